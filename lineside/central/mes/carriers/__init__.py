"""Pallets, boxes and trays: what may travel in them, what is in them, who must know."""
