"""Floor 9: event counters, the twelve metrics, what archives keep of them, history, export, statistics."""
