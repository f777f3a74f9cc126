"""The coupons of The Complete Journey as csv, with pandas and without the product: `python journey_coupons_raw.py FOLDER [--quick]`.

A coupon here is a coupon of one campaign. Its window is the campaign's, widened to its own redemptions where the data have some outside.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pandas as pd
from journey_raw import DAY, table

QUICK_CAMPAIGNS = 5


def main(folder: Path, quick: bool) -> None:
    """Write `coupons.csv`, `pools.csv`, `targets.csv` and `redemptions.csv`."""
    windows = table("campaign_descriptions").rename(columns={"start_date": "starts"})
    windows["ends"] = windows.pop("end_date") + DAY
    used = table("coupon_redemptions").rename(columns={"redemption_date": "at"})
    used["at"] = pd.to_datetime(used["at"])
    pools = table("coupons")[["campaign_id", "coupon_upc", "product_id"]].drop_duplicates()
    targets = table("campaigns")[["campaign_id", "household_id"]].drop_duplicates()
    if quick:
        few = used.groupby("campaign_id").size().nsmallest(QUICK_CAMPAIGNS).index
        used, pools, targets = (frame[frame.campaign_id.isin(few)] for frame in (used, pools, targets))
    keys = ["campaign_id", "coupon_upc"]
    coupons = pd.concat([pools[keys], used[keys]]).drop_duplicates().merge(windows, on="campaign_id")
    span = used.groupby(keys)["at"].agg(["min", "max"]).reset_index()
    coupons = coupons.merge(span, on=keys, how="left")
    coupons["starts"] = coupons[["starts", "min"]].min(axis=1)
    coupons["ends"] = pd.concat([coupons.ends, coupons["max"] + DAY], axis=1).max(axis=1)
    used = used.sort_values(["at", *keys, "household_id"])
    used["turn"] = used.groupby([*keys, "household_id"]).cumcount()
    coupons = coupons.merge(used.groupby(keys).turn.max().rename("turns").reset_index(), on=keys, how="left")
    coupons["turns"] = coupons.turns.fillna(0).astype(int)
    coupons[[*keys, "starts", "ends", "turns"]].to_csv(folder / "coupons.csv", index=False)
    pools.to_csv(folder / "pools.csv", index=False)
    targets.to_csv(folder / "targets.csv", index=False)
    used[[*keys, "household_id", "at", "turn"]].to_csv(folder / "redemptions.csv", index=False)


if __name__ == "__main__":
    main(Path(sys.argv[1]), "--quick" in sys.argv)
