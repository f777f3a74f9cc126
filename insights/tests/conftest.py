"""The store of the campaign tests."""

from campaigns.tests.conftest import frozen, shop

__all__ = ["frozen", "shop"]
