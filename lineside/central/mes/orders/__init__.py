"""Work orders: what shall be made, and how far it is."""
