"""Sending coupons over the API: an ERP posts who gets one, and reads what became of each."""

from __future__ import annotations

from datetime import timedelta

from core import clock
from core.scopes import in_store
from coupons import sending_work
from coupons.models import Claim, Recipient
from tests import factories as make
from tests.api.client import ok, problem

TEXT = {"channel": "email", "subject_en": "{value} off", "text_en": "Enter {code}.", "consent": True}


def test_a_sending_from_its_list_to_its_results(store, owner, nobody, mailoutbox):
    with in_store(store.pk):
        coupon = make.make_coupon(store, code="SAVE-9")
        Claim.objects.create(store=store, coupon=coupon, code="K-9", buyer="anna", claimed_at=clock.now())
    people = [{"buyer": "anna", "address": "anna@example.com"}, {"buyer": "ben", "address": "no address"}]
    given = TEXT | {"recipients": people}
    refused = problem(owner.post("/coupons/SAVE-9/sendings", given | {"consent": False, "text_en": "{x}"}), 422)
    assert {error["field"] for error in refused["errors"]} == {"consent", "text_en"}
    problem(owner.post("/coupons/SAVE-9/sendings", given | {"channel": "sms"}), 409, "ERR_SENDING_GATEWAY")
    problem(owner.post("/coupons/SAVE-9/sendings", given | {"recipients": []}), 422)
    problem(nobody.post("/coupons/SAVE-9/sendings", given), 403, "ERR_PERMISSION")
    made = ok(owner.post("/coupons/SAVE-9/sendings", given), 201)
    place = f"/coupons/SAVE-9/sendings/{made['id']}"
    assert (made["state"], made["total"], made["counts"]["waiting"]) == ("draft", 2, 1)
    problem(owner.post(f"{place}/pause"), 409, "ERR_SENDING_STATE")
    assert ok(owner.post(f"{place}/start"))["state"] == "sending"
    assert ok(owner.post(f"{place}/pause"))["state"] == "paused"
    sending_work.step()
    assert not mailoutbox
    ok(owner.post(f"{place}/start"))
    for second in (0, 1):
        with clock.freeze(clock.read() + timedelta(seconds=second)):
            sending_work.step()
    (letter,) = mailoutbox
    assert letter.subject == "$2.00 off"
    done = ok(owner.get(place))
    assert (done["state"], done["counts"]["sent"], done["counts"]["skipped"]) == ("done", 1, 1)
    assert done["addresses_dropped_at"]
    rows = ok(owner.get(f"{place}/recipients?state=skipped"))["items"]
    assert [(row["buyer"], row["code"]) for row in rows] == [("ben", "ERR_SENDING_ADDRESS")]
    with in_store(store.pk):
        sent = Recipient.objects.get(buyer="anna")
    assert letter.extra_headers["Message-ID"].startswith(f"<send-{made['id']}-{sent.pk}-1@")
    assert [row["id"] for row in ok(owner.get("/coupons/SAVE-9/sendings"))] == [made["id"]]
    problem(owner.post(f"{place}/retry"), 409, "ERR_SENDING_GONE")
    problem(owner.post(f"{place}/stop"), 409, "ERR_SENDING_STATE")
    problem(owner.get("/coupons/SAVE-9/sendings/999999"), 404)
