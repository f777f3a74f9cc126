"""Lends the usage and effect pages to a coupon's page, and joins the effect watch to what it waits for."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from coupons import watch
from coupons.tabs import Section, lend_page, lend_section, lend_tab
from coupons.views import effect, usage

lend_tab("usage", _("Usage details"), "coupons.view", usage.show)
lend_tab("effect", _("Effect"), "coupons.view", effect.show)
lend_page("<str:code>/usage/export/", usage.download, "usage_export")
lend_page("<str:code>/mirror/", effect.draft, "mirror")
lend_page("<str:code>/diagnosis/<int:report>/", effect.diagnosis, "diagnosis")
lend_section(Section("coupons/_effect_warning.html", "coupons.view", effect.warning, first=True))
watch.join()
