"""Access: one policy, asked on every route."""
