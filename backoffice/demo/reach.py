"""How coupons of the demo reach buyers (R67, R78, R81): single-use codes in parcels and flyers, two tests, an issuing to a segment,
an e-mail to its buyers that waits to be looked at."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from itertools import islice

from accounts.models import Store
from audit.actors import Actor
from backoffice.demo import coupon_usage
from backoffice.demo.film import Film, Scene
from backoffice.demo.stage import OPERATOR_A, OPERATOR_B, OWNER, acting
from core import clock
from core.scopes import in_store
from coupons import arms, batches, claiming, personal, sending
from coupons.models import Channel, Claim, CodeBatch
from coupons.sending import Plan
from coupons.sending_text import Text
from listings import jobs
from storefront.checkout import place_order
from storefront.quoting import make_quote

CODED, PARCELS, FLYERS, SAMPLES = (
    "PARCEL-3",
    "秋季包裹卡 Autumn parcel cards",
    "合作传单 Partner flyers",
    "试用装 Sample boxes",
)
#: On these days before the premiere so many buyers use the codes of their parcels; of three, one orders with it.
_USED = ((6.0, 9), (4.0, 15), (1.5, 12))
_APART = timedelta(minutes=37)


def plan(film: Film, stores: dict[str, Store]) -> None:
    """Everything here follows what the coupons' own scenes made (`coupons.PLANNED`), and what buyers did with them."""
    pinecone, halfhill = stores["pinecone"], stores["halfhill"]

    def at(store: Store, scene: Scene, **before: float) -> None:
        def run() -> None:
            with in_store(store.pk):
                scene()

        film.at(run, **before)

    codes: dict[str, list[str]] = {}
    at(halfhill, lambda: _make_codes(halfhill), days=9)
    at(halfhill, lambda: _hand_out(halfhill, codes), days=8)
    for days, buyers in _USED:
        at(halfhill, partial(_use, halfhill, codes, buyers), days=days)
    at(halfhill, lambda: _claim(halfhill, codes[FLYERS], 11), days=3)
    at(halfhill, lambda: _withdraw(halfhill), days=2)
    at(
        pinecone,
        lambda: _test(pinecone, "SNEAK-TEST", "休闲鞋减2.5还是减4 Sneakers: 2.50 or 4", ("SNEAK-A", "SNEAK-B")),
        days=8,
    )
    at(
        halfhill,
        lambda: _test(halfhill, "LAMP-TEST", "小夜灯门槛12还是25 Night light: from 12 or 25", ("LAMP-A", "LAMP-B")),
        days=2,
    )
    at(pinecone, lambda: _issue(pinecone, "REGULARS-3"), days=coupon_usage.WHEN)
    at(pinecone, lambda: _prepare(pinecone, "REGULARS-3"), minutes=30)


def _make_codes(store: Store) -> None:
    for name, size in ((PARCELS, 400), (FLYERS, 150), (SAMPLES, 40)):
        batches.make(store, CODED, name=name, size=size, actor=acting(OPERATOR_A))
    jobs.run_due()


def _hand_out(store: Store, codes: dict[str, list[str]]) -> None:
    """Parcel cards and flyers go to the printer; the flyers' codes cannot be exported again."""
    for name in (PARCELS, FLYERS):
        batch = CodeBatch.objects.get(store=store, name=name)
        codes[name] = [code for code, _coupon in batches.export(store, CODED, batch.pk, actor=acting(OPERATOR_A))]
    flyers = CodeBatch.objects.get(store=store, name=FLYERS)
    batches.seal(store, CODED, flyers.pk, actor=acting(OPERATOR_A))


def _withdraw(store: Store) -> None:
    """The sample boxes were lost on the way."""
    samples = CodeBatch.objects.get(store=store, name=SAMPLES)
    batches.withdraw(store, CODED, samples.pk, actor=acting(OPERATOR_B))


def _claim(store: Store, codes: list[str], buyers: int) -> list[str]:
    """So many buyers claim with the next codes, one after another up to now; answers their names."""
    actor, now = acting(OWNER), clock.now()
    used, codes[:buyers] = codes[:buyers], []
    names = [f"buyer-{code[-5:].lower()}" for code in used]
    for place, (name, code) in enumerate(zip(names, used, strict=True)):
        told = {"buyer": name, "country": "US", "channel": "off_site"}
        claiming.claim(store, code, told, actor=actor, now=now - _APART * (buyers - place))
    return names


def _use(store: Store, codes: dict[str, list[str]], buyers: int) -> None:
    actor: Actor = acting(OWNER)
    for name in islice(_claim(store, codes[PARCELS], buyers), 0, None, 3):
        lines = [{"sku": "HH-VAC-015", "quantity": 1}]
        given = {"buyer": name, "country": "US", "logistics": "standard", "lines": lines, "coupons": [CODED]}
        quote = make_quote(store, given, actor=actor)
        place_order(store, {"order": f"DEMO-{CODED}-{name[-5:].upper()}", "quote": quote.code}, actor=actor)


def _test(store: Store, code: str, name: str, coupons: tuple[str, str]) -> None:
    arms.start(store, code, name=name, arms=coupons, actor=acting(OPERATOR_A))


def _issue(store: Store, code: str) -> None:
    personal.issue(store, code, actor=acting(OPERATOR_A))
    jobs.run_due()


def _prepare(store: Store, code: str) -> None:
    """Written and not started: the demo writes to nobody."""
    holders = Claim.objects.filter(store=store, coupon__code=code).order_by("id").values_list("buyer", flat=True)
    text = Text(
        subject_zh="{store}：{value}优惠券已到账",
        text_zh="您已获得{coupon}：满{minimum}减{value}，{until}前有效。下单时输入券码{code}即可使用。",
        subject_en="{store}: {value} off for you",
        text_en="You have {coupon}: {value} off orders from {minimum}, until {until}. Enter {code} when you order.",
    )
    people = [(buyer, f"buyer{place}@example.com") for place, buyer in enumerate(holders, 1)]
    if people:
        sending.prepare(store, code, Plan(Channel.EMAIL, text, people, consent=True), actor=acting(OPERATOR_A))
