"""Floor 9: what a buyer meets: product pages per language site, quote, checkout."""
