"""Readings from a list, for tests and simulations."""
