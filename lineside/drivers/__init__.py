"""Devices to samples. Drivers read and decode; patience belongs to the supervisor of the edge agent."""
