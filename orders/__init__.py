"""Floor 6: orders with frozen promotion snapshots."""
