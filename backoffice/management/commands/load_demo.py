"""`manage.py load_demo`: demo stores, people, catalogue, orders and campaigns, relative to now. Safe to repeat."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.test.utils import override_settings

from accounts.models import Store
from audit.tasks import seal
from backoffice.demo import brakes, coupon_usage, coupons, obstacles, reach, scenes, small_stores, traffic
from backoffice.demo.film import Film
from backoffice.demo.stage import STORES, set_up
from core import clock
from core.heartbeat import beat
from core.models import Heartbeat

#: The film begins this many days before now.
FIRST_DAY = 30
#: The beat that says the demo is complete.
MARK = "demo"


class Command(BaseCommand):
    """Loads the demo once."""

    help = "Load the demo: six stores, five people, about 1,000 SKUs, campaigns in every state. Does nothing when it is there."

    def handle(self, *args: Any, **options: Any) -> None:
        if Heartbeat.objects.filter(name=MARK).exists():
            self.stdout.write("The demo is loaded already.")
            return
        if Store.objects.filter(slug__in=[slug for slug, *_ in STORES]).exists():
            raise CommandError(
                "An earlier load of the demo did not finish, or stores of its names exist. Load it into an empty database."
            )
        premiere = clock.read()
        film = Film(premiere)
        # The film's public pages are read inside this process: the web server shows the present, not the film's moment.
        with override_settings(PROBE_TRANSPORT="wsgi"):
            with clock.freeze(premiere - timedelta(days=FIRST_DAY)):
                made = {store.slug: store for store in set_up()}
            scenes.pinecone(made["pinecone"], film)
            obstacles.riverlamp(scenes.riverlamp(made["riverlamp"], film), premiere)
            brakes.riverlamp(made["riverlamp"], film)
            scenes.halfhill(made["halfhill"], film)
            coupons.plan(film, made)
            for store in made.values():
                traffic.report_on(film, store)
                coupon_usage.tell(film, store)
            reach.plan(film, made)
            obstacles.newleaf(film)
            small_stores.riceboat(film)
            small_stores.kitebutton(film)
            film.play()
        seal()
        beat(MARK)
        self.stdout.write(f"Demo loaded in {(clock.read() - premiere).total_seconds():.0f} s at {settings.PUBLIC_URL}.")
