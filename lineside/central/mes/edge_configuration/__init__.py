"""Configuration of edges from central: versions, sending, and what each edge really runs."""
