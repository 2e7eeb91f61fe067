"""What every domain stands on: identity, access, and later entities, files, jobs."""
