"""Reports across the systems: metrics, dashboards, alerts."""
