"""Floor 0: clock, outbox, base of domain errors, money, public codes, outbound HTTP client."""
