"""So many calls a second for each token, and a burst: a token bucket in Redis, or in this process while Redis is away.

Redis may vanish at any second: the limit then holds per process, the API goes on.
"""

from __future__ import annotations

import logging
import math
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass, field
from functools import lru_cache

import redis
from django.conf import settings

from api.problems import TooMany
from core import clock
from policies import active
from policies.rules import ApiRules

logger = logging.getLogger(__name__)

#: Seconds that a Redis which did not answer is left alone.
PATIENCE = 5.0
_KEPT = 10_000

# Refill by Redis' own clock, take one, answer "0" or the seconds until there is one again.
_SCRIPT = """
local rate, burst = tonumber(ARGV[1]), tonumber(ARGV[2])
local clock = redis.call('TIME')
local now = clock[1] + clock[2] / 1000000
local held = redis.call('HMGET', KEYS[1], 'level', 'at')
local level = tonumber(held[1]) or burst
level = math.min(burst, level + math.max(0, now - (tonumber(held[2]) or now)) * rate)
local wait = 0
if level >= 1 then level = level - 1 else wait = (1 - level) / rate end
redis.call('HSET', KEYS[1], 'level', tostring(level), 'at', string.format('%.6f', now))
redis.call('EXPIRE', KEYS[1], math.ceil(burst / rate) + 1)
return tostring(wait)
"""


@dataclass
class Buckets:
    """Buckets of this process, the least recently used thrown away beyond ten thousand."""

    levels: OrderedDict[str, tuple[float, float]] = field(default_factory=OrderedDict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self, key: str, rate: float, burst: float) -> float:
        """Take one; answers 0, or the seconds until there is one again."""
        now = time.monotonic()
        with self.lock:
            level, at = self.levels.pop(key, (burst, now))
            level = min(burst, level + (now - at) * rate)
            wait = 0.0 if level >= 1 else (1 - level) / rate
            self.levels[key] = (level - 1 if level >= 1 else level, now)
            while len(self.levels) > _KEPT:
                self.levels.popitem(last=False)
        return wait


@dataclass
class _Shared:
    """The buckets in Redis, and until when to leave it alone."""

    broken_until: float = 0.0

    def take(self, key: str, rate: float, burst: float) -> float | None:
        """As `Buckets.take`; None while Redis does not answer."""
        if time.monotonic() < self.broken_until:
            return None
        try:
            return float(_script()(keys=[f"api:rate:{key}"], args=[rate, burst]))
        except (redis.RedisError, OSError, ValueError) as error:
            self.broken_until = time.monotonic() + PATIENCE
            logger.warning("no Redis (%s): API limits hold per process for now", type(error).__name__)
            return None


local = Buckets()
shared = _Shared()


def take(key: str) -> None:
    """Count one call of `key` (a token, or an address that failed). Raises TooMany with the seconds to wait."""
    rules = active(ApiRules, clock.now())
    wait = shared.take(key, rules.rate_per_second, rules.burst)
    if wait is None:
        wait = local.take(key, rules.rate_per_second, rules.burst)
    if wait > 0:
        raise TooMany(max(1, math.ceil(wait)))


@lru_cache(maxsize=1)
def _script() -> redis.commands.core.Script:
    client = redis.Redis.from_url(
        settings.REDIS_URL.replace("redis+socket://", "unix://", 1), socket_timeout=0.5, socket_connect_timeout=0.5
    )
    return client.register_script(_SCRIPT)
