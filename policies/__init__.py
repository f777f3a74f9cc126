"""Floor 2: versioned rule sets: every threshold, window and limit, with version and date."""
