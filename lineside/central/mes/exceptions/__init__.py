"""What facts say that does not fit with what central knows: for a person to look at."""
