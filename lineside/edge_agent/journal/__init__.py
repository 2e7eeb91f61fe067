"""The journal: an append-only list of events with an identity, one writer, many readers."""
