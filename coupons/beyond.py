"""What goes beyond the platforms joins a coupon here: costs, codes, segments, tests, sending. Loaded when the project starts."""

from __future__ import annotations

from importlib import import_module

from django.utils.translation import gettext_lazy as _

from coupons import audience
from coupons.segment_forms import Keeper
from coupons.tabs import Section, lend_buttons, lend_page, lend_section, lend_tab
from coupons.views import arms, codes, costs, gateway, segment, sending

import_module("coupons.beyond_codes")
import_module("coupons.sending_codes")

lend_page("gateway/", gateway.show, "gateway")
lend_page("gateway/try/", gateway.trial, "gateway_test")
lend_page("gateway/disconnect/", gateway.disconnect, "gateway_disconnect")

lend_page("<str:code>/costs/budget/", costs.budget, "budget")
lend_page("<str:code>/costs/clicks/", costs.clicks, "clicks")
lend_tab("costs", _("Costs"), "coupons.view", costs.show)

lend_page("<str:code>/codes/make/", codes.make, "codes_make")
lend_page("<str:code>/codes/<int:batch>/codes.csv", codes.download, "codes_csv")
lend_page("<str:code>/codes/<int:batch>/seal/", codes.seal, "codes_seal")
lend_page("<str:code>/codes/<int:batch>/withdraw/", codes.withdraw, "codes_withdraw")
lend_tab("codes", _("Single-use codes"), "coupons.view", codes.show)

audience.join(Keeper())
lend_page("<str:code>/issue/", segment.issue, "issue")
lend_page("<str:code>/segment/count/", segment.count, "segment_count")
lend_section(Section("coupons/_segment.html", "coupons.view", segment.section))

lend_page("<str:code>/test/", arms.start, "test")
lend_page("<str:code>/test/stop/", arms.stop, "test_stop")
lend_section(Section("coupons/_test.html", "coupons.view", arms.section))
lend_buttons(arms.buttons)

lend_page("<str:code>/sendings/new/", sending.new, "sending_new")
lend_page("<str:code>/sendings/<int:number>/", sending.one, "sending")
lend_page("<str:code>/sendings/<int:number>/start/", sending.start, "sending_start")
lend_page("<str:code>/sendings/<int:number>/pause/", sending.pause, "sending_pause")
lend_page("<str:code>/sendings/<int:number>/stop/", sending.stop, "sending_stop")
lend_page("<str:code>/sendings/<int:number>/retry/", sending.retry, "sending_retry")
lend_tab("sendings", _("Send to buyers"), "coupons.view", sending.show)
