"""Lots and holds."""
