"""Pages of the coupon room."""
