"""Approvals, and rules that users make themselves."""
