"""Lineside: a plant from the machine to the traced serial number."""
