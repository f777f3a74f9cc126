"""django-oscar's half of `peers`: run by the Python of an environment of its own, it knows nothing of this project.

It sets up a stock django-oscar (its sandbox's apps and middleware, DEBUG off), 10,000 offers and a staff user in the database that
`PEER_DATABASE` (JSON for Django) names. Then each line `N` on stdin makes it open its offer list N times; it answers with a line of JSON.
"""

from __future__ import annotations

import importlib
import json
import os
import re
import sys
import time
import types
from datetime import UTC, datetime, timedelta
from typing import Any

import django
from django.apps import apps
from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import include, path

ROWS = 10_000
PAGE = "/dashboard/offers/"
CONTRIB = ("admin", "auth", "contenttypes", "sessions", "messages", "staticfiles", "sites", "flatpages")
SHOP = (
    "analytics", "checkout", "address", "shipping", "catalogue", "catalogue.reviews", "communication", "partner",
    "basket", "payment", "offer", "order", "customer", "search", "voucher", "wishlists", "dashboard",
)  # fmt: skip
DASHBOARD = (
    "reports", "users", "orders", "catalogue", "offers", "partners", "pages", "ranges", "reviews", "vouchers",
    "communications", "shipping",
)  # fmt: skip
OSCAR = (*SHOP, *(f"dashboard.{name}" for name in DASHBOARD))
OTHERS = ("widget_tweaks", "haystack", "treebeard", "sorl.thumbnail", "django_tables2")
PROCESSORS = (
    "django.template.context_processors.debug",
    "django.template.context_processors.request",
    "django.contrib.auth.context_processors.auth",
    "django.template.context_processors.i18n",
    "django.contrib.messages.context_processors.messages",
    "oscar.apps.search.context_processors.search_form",
    "oscar.apps.checkout.context_processors.checkout",
    "oscar.apps.communication.notifications.context_processors.notifications",
    "oscar.core.context_processors.metadata",
)


def configure() -> None:
    """Settings as its sandbox has them."""
    shipped = {name: value for name, value in vars(importlib.import_module("oscar.defaults")).items() if name.isupper()}
    settings.configure(
        **shipped,
        DATABASES={"default": json.loads(os.environ["PEER_DATABASE"])},
        SECRET_KEY="bench",
        ALLOWED_HOSTS=["testserver"],
        ROOT_URLCONF="peer_urls",
        SITE_ID=1,
        STATIC_URL="/static/",
        USE_TZ=True,
        DEFAULT_AUTO_FIELD="django.db.models.AutoField",
        AUTHENTICATION_BACKENDS=[
            "oscar.apps.customer.auth_backends.EmailBackend",
            "django.contrib.auth.backends.ModelBackend",
        ],
        HAYSTACK_CONNECTIONS={"default": {"ENGINE": "haystack.backends.simple_backend.SimpleEngine"}},
        INSTALLED_APPS=[
            *(f"django.contrib.{name}" for name in CONTRIB),
            "oscar.config.Shop",
            *(_app(name) for name in OSCAR),
            *OTHERS,
        ],
        MIDDLEWARE=[
            "django.middleware.security.SecurityMiddleware",
            "django.contrib.sessions.middleware.SessionMiddleware",
            "django.middleware.csrf.CsrfViewMiddleware",
            "django.contrib.auth.middleware.AuthenticationMiddleware",
            "django.contrib.messages.middleware.MessageMiddleware",
            "django.contrib.flatpages.middleware.FlatpageFallbackMiddleware",
            "oscar.apps.basket.middleware.BasketMiddleware",
        ],
        TEMPLATES=[
            {
                "BACKEND": "django.template.backends.django.DjangoTemplates",
                "APP_DIRS": True,
                "OPTIONS": {"context_processors": list(PROCESSORS)},
            }
        ],
    )
    django.setup()
    urls: Any = types.ModuleType("peer_urls")
    urls.urlpatterns = [
        path("i18n/", include("django.conf.urls.i18n")),
        path("", include(apps.get_app_config("oscar").urls[0])),  # type: ignore[attr-defined]  # oscar's own AppConfig
    ]
    sys.modules["peer_urls"] = urls


def _app(name: str) -> str:
    """The dotted config of one of its apps: `dashboard.offers` is `oscar.apps.dashboard.offers.apps.OffersDashboardConfig`."""
    parts = [part.capitalize() for part in reversed(name.split("."))]
    return f"oscar.apps.{name}.apps.{''.join(parts).replace('ReviewsCatalogue', 'CatalogueReviews')}Config"


def fill() -> Any:
    """Its tables with as many offers as we have campaigns, and a client signed in as staff."""
    call_command("migrate", verbosity=0)
    offers: Any = importlib.import_module("oscar.apps.offer.models")
    everything = offers.Range.objects.create(name="All", includes_all_products=True)
    now = datetime.now(UTC)
    benefits = offers.Benefit.objects.bulk_create(
        offers.Benefit(range=everything, type="Percentage", value=20) for _ in range(ROWS)
    )
    conditions = offers.Condition.objects.bulk_create(
        offers.Condition(range=everything, type="Count", value=1) for _ in range(ROWS)
    )
    offers.ConditionalOffer.objects.bulk_create(
        offers.ConditionalOffer(
            name=f"Weekly offer {number}", slug=f"weekly-{number}", benefit=benefit, condition=condition, status="Open",
            start_datetime=now - timedelta(days=1), end_datetime=now + timedelta(days=7),
        )
        for number, (benefit, condition) in enumerate(zip(benefits, conditions, strict=True))
    )  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
    client = Client()
    people: Any = get_user_model()._default_manager
    staff = people.create_superuser("bench", "bench@peer.test", "bench-bench-bench")
    client.force_login(staff, backend="django.contrib.auth.backends.ModelBackend")
    return client


def main() -> None:
    """Serve until stdin ends."""
    configure()
    client = fill()
    with CaptureQueriesContext(connection) as captured:
        answer = client.get(PAGE)
    assert answer.status_code == 200, answer.status_code
    rows = importlib.import_module("oscar.defaults").OSCAR_DASHBOARD_ITEMS_PER_PAGE
    assert len(set(re.findall(rb"Weekly offer \d+", answer.content))) == rows
    print(json.dumps({"rows": rows, "queries": len(captured)}), flush=True)
    for line in sys.stdin:
        began = time.perf_counter()
        for _ in range(int(line)):
            assert client.get(PAGE).status_code == 200
        print(json.dumps({"seconds": time.perf_counter() - began}), flush=True)


if __name__ == "__main__":
    main()
