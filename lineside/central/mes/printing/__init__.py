"""Prints: travellers, badges, unit labels."""
