"""Floor 10: REST routers, idempotency, problem documents."""
