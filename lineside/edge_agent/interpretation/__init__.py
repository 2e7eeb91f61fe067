"""Samples to facts: pure functions, no sockets, no files, time as an argument."""
