"""News of coupons that travels up: rooms above join these in `AppConfig.ready`."""

from __future__ import annotations

from django.dispatch import Signal

coupon_event = Signal()
"""Something happened to a coupon, told after its transaction, at least once.

Arguments: `key` (stable id of the event), `event` (such as `coupon.paused`), `store_id`, `code`, `at` (ISO 8601 text), `data` (dict).
A receiver that raises makes the event come again, with others that were told in the same breath.
"""
