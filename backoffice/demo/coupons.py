"""Coupons of the demo (glossary §2.5), made by the product's verbs on the film's clock. The goods of a coupon are
restocked before: it holds stock back."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from accounts.models import Store
from backoffice.demo.film import Film
from backoffice.demo.stage import OPERATOR_A, OWNER, acting
from core.scopes import in_store
from coupons import creating
from coupons.inputs import CouponInput, PoolInput
from coupons.models import CouponKind
from listings.models import Sku
from listings.stock import set_stock


@dataclass(frozen=True, slots=True)
class Planned:
    """A coupon of the demo: when it is made and begins, in days before the premiere, how many days it is valid, its goods by SKU."""

    code: str
    store: str
    name: str
    name_zh: str
    face_value: str
    min_order: str
    made: float
    begins: float
    days: int
    quota: int
    skus: tuple[str, ...]
    terms: dict[str, Any] = field(default_factory=dict)


_HALFHILL = ("HH-VAC-015", "HH-PLT-033", "HH-PET-051", "HH-STL-007", "HH-LMP-018", "HH-DRL-002", "HH-MKP-090")
PLANNED: tuple[Planned, ...] = (
    Planned(
        "FIRST30-5", "halfhill", "First Order: Spend 30 Save 5", "首单满30减5", "5.00", "30.00", 3, 3, 23, 30, _HALFHILL,
        {"first_order_only": True, "stacks_with_platform": True},
    ),
    Planned(
        "KNIT-2-50", "pinecone", "Knitwear: Spend 20 Save 2.50", "针织满20减2.5", "2.50", "20.00", 4, 4, 14, 400,
        ("PC-KNT-014-M", "PC-DRS-001-S"),
    ),
    Planned(
        "RU-ONLY-3", "pinecone", "Russia Only: Spend 25 Save 3", "俄罗斯站满25减3", "3.00", "25.00", 10, 10, 30, 150,
        ("PC-JKT-022-L", "PC-PJS-008-M", "PC-SNK-031-38"), {"regions": ("RU",)},
    ),
    Planned(
        "EARBUD-LOW", "riverlamp", "Earbuds: Spend 30 Save 3", "耳机满30减3", "3.00", "30.00", 6, 6, 20, 1200, ("RL-EBD-100-BK",),
    ),
    Planned(
        "PETDAY-1", "halfhill", "Pet Treats US$1 No-Threshold", "宠物零食无门槛US$1券", "1.00", "", 2, 2, 7, 200, ("HH-PET-051",),
        {"kind": CouponKind.NO_THRESHOLD},
    ),
    Planned(
        "BENCH-OUT0", "halfhill", "Shoe Bench: Spend 35 Save 3", "换鞋凳满35减3", "3.00", "35.00", 5, 5, 30, 40, ("HH-STL-007",),
    ),
    Planned(
        "OLD-BAG-2", "pinecone", "Tote: Spend 15 Save 1.50", "托特包满15减1.5", "1.50", "15.00", 28, 91, 90, 50, ("PC-TOT-005",),
    ),
    # What is tested against each other, handed to some buyers only, or claimed with single-use codes: `reach` goes on with these.
    Planned(
        "SNEAK-A", "pinecone", "Sneakers Test A: Save 2.50", "休闲鞋测试A减2.5", "2.50", "25.00", 8, 8, 30, 400, ("PC-SNK-031-38",),
    ),
    Planned(
        "SNEAK-B", "pinecone", "Sneakers Test B: Save 4", "休闲鞋测试B减4", "4.00", "25.00", 8, 8, 30, 400, ("PC-SNK-031-38",),
        {"budget": "300.00"},
    ),
    Planned(
        "REGULARS-3", "pinecone", "Regulars: Spend 25 Save 3", "服饰老客满25减3", "3.00", "25.00", 1, 1, 21, 300,
        ("PC-JKT-022-L", "PC-PJS-008-M"), {"segment": {"rules": [{"kind": "bought", "category": "apparel", "days": 30}]}},
    ),
    Planned(
        "PARCEL-3", "halfhill", "Parcel Card: Spend 30 Save 3", "包裹卡满30减3", "3.00", "30.00", 9, 9, 60, 600,
        ("HH-VAC-015", "HH-DRL-002"),
    ),
    Planned(
        "LAMP-A", "halfhill", "Night Light Test A: Spend 12 Save 1.20", "小夜灯测试A满12减1.2", "1.20", "12.00", 2, 2, 20, 150,
        ("HH-LMP-018",),
    ),
    Planned(
        "LAMP-B", "halfhill", "Night Light Test B: Spend 25 Save 2.50", "小夜灯测试B满25减2.5", "2.50", "25.00", 2, 2, 20, 150,
        ("HH-LMP-018",),
    ),
    Planned(
        "HELLO-NA-2", "halfhill", "US and Canada Newcomers: Spend 20 Save 2", "美加新客满20减2", "2.00", "20.00", 1, 1, 30, 120,
        ("HH-PLT-033", "HH-MKP-090"),
        {"segment": {"rules": [{"kind": "first_order"}, {"kind": "country", "countries": ["US", "CA"]}]}},
    ),
)  # fmt: skip
#: How long FIRST30-5 stacks with the venue's subsidy.
_STACKED = timedelta(days=10)


def plan(film: Film, stores: dict[str, Store]) -> None:
    """Put every coupon into the film, and the day on which the bench sells out."""
    for planned in PLANNED:
        film.at(_scene(planned, stores[planned.store], film), days=planned.made)
    film.at(lambda: _sold_out(stores["halfhill"]), days=1, hours=2)


def _scene(planned: Planned, store: Store, film: Film) -> Any:
    starts_at = film.premiere - timedelta(days=planned.begins)

    def make() -> None:
        terms = dict(planned.terms)
        if terms.get("stacks_with_platform"):
            terms |= {"stacks_from": starts_at, "stacks_until": starts_at + _STACKED}
        data = CouponInput(
            face_value=planned.face_value, min_order=planned.min_order, starts_at=starts_at,
            ends_at=starts_at + timedelta(days=planned.days), quota=planned.quota, pool=PoolInput(skus=planned.skus),
            code=planned.code, name=planned.name, name_zh=planned.name_zh, **terms,
        )  # fmt: skip
        fresh = Store.objects.get(pk=store.pk)  # platform staff have verified it since it was made
        with in_store(fresh.pk):
            _restock(fresh, planned)
            creating.create(fresh, data, actor=acting(OPERATOR_A))

    return make


def _restock(store: Store, planned: Planned) -> None:
    """As many more as the coupon will hold back, so that everybody else finds what was there before."""
    found = Sku.objects.filter(store=store, code__in=planned.skus).values_list("code", "stock")
    rows = [{"sku": code, "quantity": stock + planned.quota} for code, stock in found]
    set_stock(store, rows, actor=acting(OWNER))


def _sold_out(store: Store) -> None:
    with in_store(store.pk):
        set_stock(store, [{"sku": "HH-STL-007", "quantity": 0}], actor=acting(OWNER))
