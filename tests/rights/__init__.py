"""Who may reach what: every page and every API operation, for every kind of visitor."""
