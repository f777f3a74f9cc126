"""The demo's goods (glossary §2.3), and a seeded generator for the long clear-out list."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from listings.drafts import ListingData, SkuData


@dataclass(frozen=True)
class Good:
    """One product of the demo. Money in USD."""

    sku: str
    category: str
    zh: str
    en: str
    sale: str
    campaign: str
    cost: str
    stock: int
    picture: str = ""
    fulfilment: str = ""
    """How the platform's warehouse gets it, of fully-managed goods: `stock` or `jit`."""

    def listing(self) -> ListingData:
        """The listing, in two languages, with its drawn picture."""
        return ListingData(
            title=self.en,
            titles={"en": self.en, "zh": self.zh},
            category=self.category,
            logistics_template="AliExpress Standard Shipping",
            main_image=f"/static/demo/{self.picture or self.sku.lower()}.svg",
            skus=[SkuData(sku=self.sku, sale_price=self.sale, cost=self.cost, stock=self.stock)],
            management="fully_managed" if self.fulfilment else "self",
            fulfilment=self.fulfilment or None,
        )


PINECONE = (
    Good(
        "PC-DRS-001-S",
        "apparel",
        "碎花收腰连衣裙 夏季短袖",
        "Floral Waist Dress, Short Sleeve",
        "24.90",
        "18.90",
        "9.80",
        420,
    ),
    Good(
        "PC-KNT-014-M",
        "apparel",
        "圆领针织开衫 春秋薄款",
        "Crew-Neck Knit Cardigan, Light",
        "29.90",
        "22.40",
        "12.60",
        310,
    ),
    Good("PC-JKT-022-L", "apparel", "男士防风连帽夹克", "Men's Hooded Windbreaker", "39.90", "31.90", "18.20", 180),
    Good("PC-SCF-003", "accessories", "格纹仿羊绒围巾", "Plaid Soft-Touch Scarf", "12.50", "9.90", "4.10", 650),
    Good(
        "PC-PJS-008-M", "underwear", "纯棉家居服两件套", "Cotton Loungewear, 2 Pieces", "27.60", "21.90", "11.90", 240
    ),
    Good("PC-SNK-031-38", "shoes", "网面透气休闲鞋", "Breathable Mesh Sneakers", "33.80", "26.90", "15.40", 200),
    Good("PC-TOT-005", "bags", "帆布托特包 大容量", "Large Canvas Tote", "16.80", "12.90", "5.70", 500),
    Good("PC-EAR-040", "jewelry", "合金珍珠感耳环", "Pearl-Look Drop Earrings", "8.90", "6.90", "1.90", 1200),
    Good("PC-WIG-012", "hair", "自然黑短款假发", "Natural Black Short Wig", "46.00", "36.80", "21.50", 90),
)
RIVERLAMP = (
    Good(
        "RL-EBD-100-BK",
        "electronics",
        "无线蓝牙耳机 降噪",
        "Wireless Earbuds, Noise Reducing",
        "32.90",
        "24.90",
        "14.30",
        800,
    ),
    Good(
        "RL-SPK-120",
        "electronics",
        "迷你便携音箱 防泼水",
        "Mini Portable Speaker, Splash-Proof",
        "21.50",
        "16.90",
        "9.20",
        560,
    ),
    Good("RL-CAM-210", "electronics", "高清行车记录仪", "Full-HD Dash Camera", "58.00", "46.40", "29.80", 150),
    Good(
        "RL-CBL-001-1M", "phones", "编织快充数据线 1米", "Braided Fast-Charge Cable, 1 m", "3.99", "3.29", "2.70", 5000
    ),
    Good("RL-CSE-077", "phones", "磁吸透明手机壳", "Magnetic Clear Phone Case", "4.80", "3.90", "3.10", 3600),
    Good("RL-PWR-020", "phones", "轻薄移动电源 10000毫安", "Slim Power Bank 10,000 mAh", "19.90", "15.90", "9.90", 700),
    Good("RL-KBD-061", "computers", "静音无线键盘", "Quiet Wireless Keyboard", "22.80", "17.90", "10.40", 330),
    Good("RL-WCH-009", "watches", "简约石英手表", "Minimal Quartz Watch", "18.60", "14.40", "6.90", 410),
)
HALFHILL = (
    Good(
        "HH-VAC-015",
        "appliances",
        "手持吸尘器 家车两用",
        "Handheld Vacuum, Home and Car",
        "44.90",
        "35.90",
        "22.70",
        130,
    ),
    Good("HH-PLT-033", "home", "自吸水花盆 三件套", "Self-Watering Planters, Set of 3", "15.90", "12.40", "6.10", 600),
    Good("HH-PET-051", "home", "冻干宠物零食 鸡肉味", "Freeze-Dried Pet Treats, Chicken", "11.90", "9.50", "4.60", 900),
    Good("HH-STL-007", "furniture", "可折叠换鞋凳", "Folding Shoe Bench", "36.50", "29.20", "19.00", 75),
    Good("HH-LMP-018", "lighting", "触控床头小夜灯", "Touch Bedside Night Light", "13.80", "10.90", "5.20", 720),
    Good("HH-DRL-002", "tools", "家用手电钻套装", "Household Drill Set", "49.90", "39.90", "26.10", 110),
    Good("HH-MKP-090", "beauty", "化妆刷套装 12支", "Make-Up Brush Set, 12 Pieces", "14.60", "11.40", "4.80", 840),
)
#: A sole trader's few things; drawn like others.
RICEBOAT = (
    Good(
        "RB-CUP-011",
        "home",
        "手作陶杯 米白",
        "Handmade Clay Cup, Rice White",
        "14.20",
        "11.20",
        "5.30",
        160,
        "hh-plt-033",
    ),
    Good(
        "RB-MAT-004", "home", "草编餐垫 四片装", "Woven Straw Placemats, Set of 4", "11.60", "8.90", "3.80", 220, "bed"
    ),
    Good(
        "RB-BRS-002", "stationery", "毛笔书法套装", "Calligraphy Brush Set", "18.40", "14.60", "7.10", 90, "hh-mkp-090"
    ),
)
#: Fully managed: the campaign price is the platform's, and asked by no campaign of the store's own (R127).
KITEBUTTON = (
    Good(
        "KB-BLK-500",
        "toys",
        "磁力积木 500粒",
        "Magnetic Blocks, 500 Pieces",
        "29.90",
        "23.90",
        "13.70",
        260,
        "clock",
        "stock",
    ),
    Good(
        "KB-PZL-120",
        "toys",
        "木质地图拼图 120片",
        "Wooden Map Puzzle, 120 Pieces",
        "17.50",
        "13.90",
        "6.80",
        380,
        "plug",
        "jit",
    ),
    Good(
        "KB-BIB-004",
        "kids",
        "婴儿防水围兜 3条装",
        "Waterproof Baby Bibs, 3 Pack",
        "10.90",
        "8.70",
        "3.40",
        950,
        "sock",
        "stock",
    ),
    Good(
        "KB-CRY-064",
        "stationery",
        "水溶性彩铅 64色",
        "Watercolour Pencils, 64 Colours",
        "19.20",
        "15.30",
        "8.10",
        300,
        "hh-mkp-090",
        "jit",
    ),
    Good(
        "KB-YGA-010",
        "sports",
        "加厚瑜伽垫 10毫米",
        "Thick Yoga Mat, 10 mm",
        "20.50",
        "16.40",
        "8.90",
        280,
        "bed",
        "stock",
    ),
    Good(
        "KB-CUP-026",
        "automotive",
        "车载杯架收纳盒",
        "Car Cup-Holder Organiser",
        "9.60",
        "7.60",
        "3.00",
        640,
        "camera",
        "jit",
    ),
)
_LAMPS = (("BK", "黑色", "Black"), ("WH", "白色", "White"), ("FB", "雾蓝", "Fog Blue"), ("OT", "燕麦色", "Oat"))


def lamps() -> tuple[Good, ...]:
    """The twelve lights of the Mid-Autumn festival: four colours of three night lights, drawn like the first."""
    styles = (("019", "圆形", "Round", "12.80", "9.90", "4.90"), ("020", "月牙", "Crescent", "14.90", "11.90", "5.60"),
              ("021", "桂花", "Osmanthus", "16.50", "12.90", "6.20"))  # fmt: skip
    return tuple(
        Good(
            f"HH-LMP-{number}-{short}",
            "lighting",
            f"{zh}小夜灯 {colour_zh}",
            f"{en} Night Light, {colour}",
            sale,
            asked,
            cost,
            240,
            picture="hh-lmp-018",
        )  # fmt: skip
        for number, zh, en, sale, asked, cost in styles
        for short, colour_zh, colour in _LAMPS
    )


_STYLES = (
    ("PC-TEE", "apparel", "纯棉圆领T恤", "Cotton Crew-Neck T-Shirt", "pc-knt-014-m", 9, 16),
    ("PC-SKT", "apparel", "百褶半身裙", "Pleated Skirt", "pc-drs-001-s", 14, 26),
    ("PC-SHT", "apparel", "亚麻长袖衬衫", "Linen Long-Sleeve Shirt", "pc-knt-014-m", 18, 32),
    ("PC-COA", "apparel", "轻薄羽绒外套", "Light Padded Jacket", "pc-jkt-022-l", 34, 62),
    ("PC-SOK", "underwear", "精梳棉中筒袜", "Combed Cotton Crew Socks", "sock", 4, 8),
    ("PC-NGT", "underwear", "柔软睡裙", "Soft Nightdress", "bed", 15, 24),
    ("PC-BAG", "bags", "轻便双肩包", "Light Backpack", "backpack", 19, 38),
    ("PC-SLP", "shoes", "舒适平底鞋", "Comfort Flat Shoes", "pc-snk-031-38", 16, 30),
)
_SIZES = ("S", "M", "L", "XL")
_COLOURS = (("BK", "黑", "Black"), ("WH", "白", "White"), ("FB", "雾蓝", "Fog Blue"), ("OT", "燕麦", "Oat"))


def clear_out(skus: int, seed: int = 60) -> Iterator[tuple[ListingData, list[tuple[str, str]]]]:
    """Listings with four sizes each until `skus` SKUs exist; with each the (SKU, campaign price) pairs. The same every time."""
    dice = random.Random(seed)  # noqa: S311 - the demo must be the same every time
    made = number = 0
    while made < skus:
        prefix, category, zh, en, image, low, high = _STYLES[number % len(_STYLES)]
        number += 1
        short, colour_zh, colour_en = _COLOURS[dice.randrange(len(_COLOURS))]
        price = Decimal(dice.randrange(low * 10, high * 10)) / 10 + Decimal("0.09")
        off = price * dice.randrange(65, 86) / 100
        sizes = _SIZES[: min(len(_SIZES), skus - made)]
        codes = [f"{prefix}-{number:03d}-{short}-{size}" for size in sizes]
        made += len(codes)
        yield (
            ListingData(
                title=f"{en}, {colour_en}, no. {number}",
                titles={"en": f"{en}, {colour_en}, no. {number}", "zh": f"{zh} {colour_zh} {number}号"},
                category=category,
                logistics_template="AliExpress Standard Shipping",
                main_image=f"/static/demo/{image}.svg",
                skus=[
                    SkuData(
                        sku=code,
                        sale_price=f"{price:.2f}",
                        cost=f"{price * 45 / 100:.2f}",
                        stock=dice.randrange(0, 400),
                    )
                    for code in codes
                ],
            ),
            [(code, f"{off:.2f}") for code in codes],
        )
