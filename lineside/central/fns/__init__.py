"""FNS: accounts, entries, periods, invoices and payments."""
