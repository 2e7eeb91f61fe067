"""Central: keeps what edges report, answers for it, and tells edges what to make."""
