"""Trace: the complete history of a unit or lot, backward and forward."""
