"""Old keys, quotes and tokens go by themselves."""

from __future__ import annotations

from datetime import timedelta

from api.models import IdempotencyKey
from backoffice.tasks import prune
from core import clock
from tests.api.client import Api, new_key


def test_the_hourly_task_forgets_old_keys(owner: Api) -> None:
    start = clock.read()
    with clock.freeze(start) as time:
        owner.post("/prices", {"prices": []}, key=new_key())
        assert prune() == 0
        time.tick(timedelta(hours=25))
        assert prune() == 1
    assert not IdempotencyKey.objects.exists()
