"""The embedded PostgreSQL and Redis, the keeper that owns them, and the supervisor behind `manage.py up`.

Nothing in here imports Django: the keeper is a small process, and settings ask for addresses before Django is there.
"""

from backoffice.servers.client import Held, ServersError, ensure
from backoffice.servers.places import Places, places

__all__ = ["Held", "Places", "ServersError", "ensure", "places"]
