"""Master data: items, routings, bills of material, stations, edges, calendar, reasons, numbers."""
