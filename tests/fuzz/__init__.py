"""Every parser against bytes that nobody should send: only documented errors, bounded time."""
