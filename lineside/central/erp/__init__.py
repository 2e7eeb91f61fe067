"""ERP: stock, purchasing, sales orders, planning, cost."""
