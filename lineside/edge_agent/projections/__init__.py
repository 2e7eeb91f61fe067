"""Figures and states computed from the journal; they can be deleted, and come out the same."""
