"""The shared language of edge, central and simulator: pure, no I/O, no vendor libraries."""
