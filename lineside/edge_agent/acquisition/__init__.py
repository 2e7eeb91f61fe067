"""Devices: one task each, patience with those that fail, facts to the recorder."""
