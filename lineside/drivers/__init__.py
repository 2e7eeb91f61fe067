"""Devices to samples. Drivers read and decode; patience belongs to the edge's supervisor."""
