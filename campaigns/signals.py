"""News that travels up: rooms above join these in `AppConfig.ready`."""

from django.dispatch import Signal

campaign_event = Signal()
"""Something happened to a campaign, told after its transaction, at least once.

Arguments: `key` (stable id of the event), `event` (such as `campaign.paused`), `store_id`, `code`, `at` (ISO 8601 text), `data` (dict).
A receiver that raises makes the event come again.
"""
