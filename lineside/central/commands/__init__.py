"""Commands of `lineside-central`, one file each: `add_parser` declares it, `run` does it."""
