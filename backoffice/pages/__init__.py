"""Pages that stand above all rooms."""
