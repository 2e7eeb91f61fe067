"""MES: what is made, by which steps, where, and how far it is."""
