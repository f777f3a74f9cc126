"""News that travels up: rooms above join these signals in `AppConfig.ready`."""

from django.dispatch import Signal

listings_changed = Signal()
"""What buyers see of some listings changed. Sent INSIDE the transaction of the change, so that a receiver's rows commit with it.

Arguments: `store_id` (int), `listing_ids` (list of int, without repeats), `now` (the moment of the change, aware UTC).
"""
