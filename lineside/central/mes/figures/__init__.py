"""Figures: bookings, production reports, KPI windows, machine days."""
