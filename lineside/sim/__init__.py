"""A factory to test against: it makes things, and keeps its own ledger of what really happened."""
