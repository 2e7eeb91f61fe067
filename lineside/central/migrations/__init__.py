"""Migrations of the database: `lineside-central migrate` brings it to what this program expects."""
