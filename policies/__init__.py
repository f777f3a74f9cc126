"""Floor 2: versioned rule sets: every threshold, window and limit, with version and date.

rules = policies.active(ClosingRules, now)
rules.bulk_cancel_max, rules.version
"""

from policies.force import NoRulesInForce, active, forget, history

__all__ = ["NoRulesInForce", "active", "forget", "history"]
