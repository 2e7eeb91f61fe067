"""Simulated devices: servers and serial lines that real drivers connect to."""
