"""Floor 8: campaigns, items, lifecycle, guards, closing, post-close checks."""
