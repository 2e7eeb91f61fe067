"""Effects to and from other programs: chat, ERP, EPCIS, webhooks."""
