"""News that travels up: rooms above join these signals in `AppConfig.ready`."""

from django.dispatch import Signal

order_cancelled = Signal()
"""An order was called off. Sent INSIDE the transaction of the change, so that a receiver's rows commit with it.

Arguments: `order` (the order as it is now), `before` (its state until now), `actor`, `now` (the moment of the change, aware UTC).
"""
