"""`manage.py load_demo`: demo stores, people, catalogue, orders and campaigns, relative to now. Safe to repeat."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.test.utils import override_settings

from accounts.models import Store
from audit.tasks import seal
            obstacles.riverlamp(scenes.riverlamp(made["riverlamp"], film), premiere)
            brakes.riverlamp(made["riverlamp"], film)
            scenes.halfhill(made["halfhill"], film)
            for store in made.values():
                traffic.report_on(film, store)
            obstacles.newleaf(film)
            film.play()
        seal()
        beat(MARK)
        self.stdout.write(f"Demo loaded in {(clock.read() - premiere).total_seconds():.0f} s at {settings.PUBLIC_URL}.")
