"""Coupons: creation, claims, redemptions, refusals, effect watch."""
