"""QMS: inspections, nonconformities and what follows from them."""
