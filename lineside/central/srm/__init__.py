"""SRM: suppliers, their approval, offers and deliveries."""
