"""Floor 6: language sites, published snapshots, publishers, probes of public pages."""
