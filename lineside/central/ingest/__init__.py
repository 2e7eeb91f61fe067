"""Facts arrive: verified, stored raw, committed, and only then acknowledged."""
