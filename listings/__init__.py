"""Floor 5: categories, brands, listings, SKUs, live offers, price history, stock."""
