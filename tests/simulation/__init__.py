"""Many real edges and a real central in one process, one thread, one seed."""
