"""Scanners and scales on a serial line."""
