"""The category tree: 22 first-level codes of our own (R79), and the one child that the demo needs.

The sources say "all 22 first-level categories" and name three groups; the list is ours. `apparel`, `electronics`, `home` and `toys` are
fixed by the API. Planted by a migration, and again after each `migrate`, so that a renamed category needs no migration of its own.
"""

from __future__ import annotations

from typing import Any

from django.utils.translation import get_language

FIRST_LEVEL = [
    ("apparel", "Apparel", "服饰"),
    ("accessories", "Apparel Accessories", "服饰配件"),
    ("underwear", "Underwear & Loungewear", "内衣及家居服"),
    ("shoes", "Shoes", "鞋靴"),
    ("bags", "Luggage & Bags", "箱包"),
    ("jewelry", "Jewelry", "珠宝饰品"),
    ("watches", "Watches", "手表"),
    ("beauty", "Beauty & Health", "美容健康"),
    ("hair", "Hair & Wigs", "假发及发制品"),
    ("kids", "Mother & Kids", "母婴"),
    ("toys", "Toys & Hobbies", "玩具"),
    ("sports", "Sports & Outdoors", "运动户外"),
    ("electronics", "Consumer Electronics", "消费电子"),
    ("phones", "Phones & Telecom", "手机及通讯"),
    ("computers", "Computers & Office", "电脑及办公"),
    ("appliances", "Home Appliances", "家用电器"),
    ("home", "Home & Garden", "家居园艺"),
    ("furniture", "Furniture", "家具"),
    ("lighting", "Lights & Lighting", "照明灯饰"),
    ("tools", "Tools & Home Improvement", "工具及家装"),
    ("automotive", "Auto & Motorcycle Parts", "汽摩配件"),
    ("stationery", "Stationery & Education", "文具及教育"),
]
CHILDREN = [("home", "pets", "Pet Supplies", "宠物用品")]


def choices() -> list[tuple[str, str]]:
    """Codes and names of the tree in the reader's language, children below their parents; no query."""
    chinese = (get_language() or "").startswith("zh")
    rows: list[tuple[str, str]] = []
    for code, name, name_zh in FIRST_LEVEL:
        rows.append((code, name_zh if chinese else name))
        rows += [(child, f"— {zh if chinese else en}") for parent, child, en, zh in CHILDREN if parent == code]
    return rows


def plant(category: Any, using: str = "default") -> None:
    """Write the tree into the model `category` (historic or present); safe to repeat."""
    rows = category.objects.using(using)
    for position, (code, name, name_zh) in enumerate(FIRST_LEVEL, start=1):
        _put(rows, code, {"name": name, "name_zh": name_zh, "position": position, "parent_id": None})
    parents = dict(rows.filter(parent=None).values_list("code", "id"))
    for position, (parent, code, name, name_zh) in enumerate(CHILDREN, start=1):
        _put(rows, code, {"name": name, "name_zh": name_zh, "position": position, "parent_id": parents[parent]})


def _put(rows: Any, code: str, values: dict[str, Any]) -> None:
    if not rows.filter(code=code, **values).exists():
        rows.update_or_create(code=code, defaults=values)
