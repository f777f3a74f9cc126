"""Floor 1: the append-only, tamper-evident record."""
