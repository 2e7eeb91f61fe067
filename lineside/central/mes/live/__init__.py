"""Newest states of stations, ahead of their facts."""
