"""Floor 4: messages to people and the error-code catalogue."""
