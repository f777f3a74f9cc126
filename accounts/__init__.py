"""Floor 3: users, stores, memberships, lent rights, API tokens."""
