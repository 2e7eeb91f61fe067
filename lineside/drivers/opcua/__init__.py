"""OPC UA servers of PLCs and machines to samples; `README.md` is written for the electrician."""
