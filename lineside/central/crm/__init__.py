"""CRM: customers, and the way from first contact to contract."""
