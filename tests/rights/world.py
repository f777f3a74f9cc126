"""Two stores with one of each thing, so that every address of the matrix has a sample here and a foreign one there."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from typing import Any

from accounts import tokens
from accounts.models import ApiToken, Store, User
from audit.actors import system
from audit.checkpoints import checkpoint
from audit.models import AuditEvent
from audit.record import Entry, Target, record
from audit.sealing import seal
from campaigns.models import AffiliateLink, AffiliatePlan, BulkJob, Campaign, Closing, ParkedClose
from campaigns.steps import pending
from core import clock
from core.codes import new_code
from core.scopes import in_store
from coupons import arms
from coupons.models import CodeBatch, Coupon, CouponTest, Diagnosis, Sending
from inbox.models import Message
from listings.models import Job, Listing, Sku
from listings.uploads import errors_of
from orders.models import Order
from publishing.models import Site
from tests.factories import (
    actor_for,
    make_codes,
    make_coupon,
    make_listing,
    make_member,
    make_sending,
    make_site,
    make_store,
    owner_of,
    serial,
)


class Things:
    """Samples of one store; each is made when a row of the matrix asks for it."""

    def __init__(self, store: Store) -> None:
        self.store = store

    def _make(self, model: Any, **values: Any) -> Any:
        with in_store(self.store.pk):
            return model.objects.create(store=self.store, **values)

    @cached_property
    def owner(self) -> User:
        """The main account."""
        return owner_of(self.store)

    @cached_property
    def colleague(self) -> User:
        """A member without rights."""
        return make_member(self.store)

    @cached_property
    def site(self) -> Site:
        """An English site."""
        with in_store(self.store.pk):
            return make_site(self.store, "en")

    @cached_property
    def sku(self) -> Sku:
        """The SKU of the listing."""
        listing = self.listing
        with in_store(self.store.pk):
            return listing.skus.get()

    @cached_property
    def listing(self) -> Listing:
        """A listing on sale with one SKU."""
        with in_store(self.store.pk):
            return make_listing(self.store)

    @cached_property
    def campaign(self) -> Campaign:
        """A running discount."""
        now = clock.now()
        return self._make(
            Campaign,
            code=new_code("C"),
            kind="limited_time_discount",
            name=f"Campaign {serial()}",
            state="running",
            starts_at=now - timedelta(hours=1),
            ends_at=now + timedelta(days=1),
        )

    @cached_property
    def draft(self) -> Campaign:
        """A campaign that has not been submitted."""
        now = clock.now()
        return self._make(
            Campaign,
            code=new_code("C"),
            kind="limited_time_discount",
            name=f"Draft {serial()}",
            starts_at=now + timedelta(hours=1),
            ends_at=now + timedelta(days=1),
        )

    @cached_property
    def coupon(self) -> Coupon:
        """A coupon being issued."""
        with in_store(self.store.pk):
            return make_coupon(self.store, [self.listing])

    @cached_property
    def coupon_segment(self) -> Coupon:
        """A coupon for named buyers."""
        rules = [{"kind": "named", "buyers": ["anna"]}]
        with in_store(self.store.pk):
            return make_coupon(self.store, [self.listing], segment={"rules": rules})

    @cached_property
    def coupon_test(self) -> CouponTest:
        """A running test of two coupons."""
        with in_store(self.store.pk):
            pair = (make_coupon(self.store, [self.listing]).code, make_coupon(self.store, [self.listing]).code)
            return arms.start(self.store, f"TEST-{serial()}", name="Test", arms=pair, actor=actor_for(self.owner))

    @cached_property
    def code_batch(self) -> CodeBatch:
        """A batch of single-use codes, made."""
        coupon = self.coupon
        with in_store(self.store.pk):
            return make_codes(coupon, 3)

    @cached_property
    def sending(self) -> Sending:
        """A sending by e-mail that has not started."""
        coupon = self.coupon
        with in_store(self.store.pk):
            return make_sending(coupon, {"anna": "anna@example.com"})

    @cached_property
    def diagnosis(self) -> Diagnosis:
        """A report of the effect watch."""
        coupon, now = self.coupon, clock.now()
        with in_store(self.store.pk):
            return Diagnosis.objects.create(
                store=self.store,
                coupon=coupon,
                signal="low_redemption",
                at=now,
                since=now,
                policy="R68",
                claimed=0,
                redeemed=0,
            )

    @cached_property
    def coupon_draft(self) -> Coupon:
        """A coupon that has not been issued."""
        with in_store(self.store.pk):
            return make_coupon(self.store, [self.listing], state="draft")

    @cached_property
    def closing(self) -> Closing:
        """The close of a cancelled campaign."""
        now = clock.now()
        campaign = self._make(
            Campaign,
            code=new_code("C"),
            kind="limited_time_discount",
            name=f"Closed {serial()}",
            state="cancelled",
            starts_at=now - timedelta(days=1),
            ends_at=now + timedelta(days=1),
            closed_at=now,
        )
        return self._make(
            Closing,
            campaign=campaign,
            close_kind="manual",
            closed_at=now,
            closed_by="Owner",
            finalised_at=now,
            steps=[pending("verify", 1)],
        )

    @cached_property
    def plan(self) -> AffiliatePlan:
        """A running affiliate plan of the running discount."""
        made = self._make(AffiliatePlan, name="Partners")
        self._make(AffiliateLink, plan=made, campaign=self.campaign)
        return made

    @cached_property
    def sealed_close(self) -> Closing:
        """The same close, with its entry in the sealed audit log."""
        campaign = self.closing.campaign
        target = Target("campaign", campaign.code, campaign.name, self.store.pk, self.store.name)
        record(Entry("campaign.cancel", target, before={"state": "running"}), actor=actor_for(self.owner))
        seal()
        checkpoint(force=True)
        return self.closing

    @cached_property
    def bulk_job(self) -> BulkJob:
        """A finished bulk pause."""
        return self._make(BulkJob, action="pause", state="done", created_by=self.owner, finished_at=clock.now())

    @cached_property
    def parked(self) -> ParkedClose:
        """A pause that waits for its checks."""
        return self._make(ParkedClose, campaign=self.campaign, action="pause", then="ask", created_by=self.owner)

    @cached_property
    def job(self) -> Job:
        """A finished import of goods, with the file of its refused rows."""
        return self._import("catalogue")

    @cached_property
    def order_job(self) -> Job:
        """The same of orders."""
        return self._import("orders")

    def _import(self, kind: str) -> Job:
        job = self._make(Job, kind=kind, state="done", created_by=self.owner, file=f"imports/{self.store.pk}/{kind}")
        path = errors_of(job)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("row,code,message\n", encoding="utf-8")
        return job

    @cached_property
    def order(self) -> Order:
        """A paid order."""
        return self._make(
            Order,
            code=f"O-{serial()}",
            placed_at=clock.now(),
            currency="USD",
            subtotal=0,
            discount=0,
            total=0,
            snapshot={},
        )

    @cached_property
    def token(self) -> ApiToken:
        """An API token of the main account."""
        return tokens.issue(self.store, self.owner, actor=system("test"))[0]

    @cached_property
    def message(self) -> Message:
        """An unread message."""
        return self._make(Message, at=clock.now(), code="ERR_EXAMPLE", severity="info", key=f"m{serial()}")

    @cached_property
    def event(self) -> AuditEvent:
        """An entry of the audit log."""
        target = Target("store", self.store.slug, self.store.name, self.store.pk, self.store.name)
        entry = record(Entry("store.example", target), actor=actor_for(self.owner))
        seal()
        checkpoint()
        return entry


@dataclass
class World:
    """`here` is the store whose pages are asked for, `there` another."""

    here: Things
    there: Things


def make_world() -> World:
    """Two stores; their things come when asked for."""
    return World(Things(make_store("here")), Things(make_store("there")))
