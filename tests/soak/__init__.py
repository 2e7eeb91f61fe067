"""A whole plant that runs for a while under faults, watched for leaks."""
