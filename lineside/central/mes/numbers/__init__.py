"""Numbers that edges give without asking: series of serial, lot and carrier numbers in blocks."""
