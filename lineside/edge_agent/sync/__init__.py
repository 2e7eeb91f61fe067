"""Facts rise, intentions and passports descend: the edge's side of it."""
