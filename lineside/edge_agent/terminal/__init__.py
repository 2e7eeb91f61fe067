"""What people at the line see and do: one station, one screen, one question."""
