"""Identity: who may sign in, and who works here."""
