"""Readers of accepted events: figures to be computed again, reactions that happen once."""
