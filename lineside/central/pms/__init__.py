"""PMS: projects, their plans, hours and costs."""
