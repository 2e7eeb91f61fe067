"""What descends: the desired state of each edge, and passports of what other lines did."""
