"""The Complete Journey: campaigns that were aimed at households; the platform must notice, and say so."""

from pathlib import Path
from typing import Any

import pandas as pd

from afraz.models.promotion.trial import assess_trial
from verdict import verdict

LEAST = 100  # households that got a campaign, and as many that did not: smaller campaigns are not assessed
HISTORY_DAYS = 28  # campaigns that started earlier than this after the first transaction find nothing to look at
RECENT_DAYS = 56
DEPARTMENTS = [
    "GROCERY", "DRUG GM", "PRODUCE", "MEAT-PCKGD", "MEAT", "DELI", "PASTRY", "NUTRITION", "FUEL", "COSMETICS",
]  # fmt: skip
FOLDER = "completejourney"


def completejourney(data: Path, *, seed: int = 7) -> dict[str, Any]:
    """Assess every campaign that is large enough; the headline is the largest one.

    A household counts from its first sampled line on: one that shows up after the start is in neither group.
    """
    lines, campaigns, starts, redemptions, demographics = read(data)
    by_campaign, trials, tables = [], {}, {}
    for campaign, start in starts.items():
        table = households_at(start, lines, redemptions, demographics)
        received = campaigns.loc[campaigns["campaign_id"] == campaign, "household_id"]
        treated = pd.Series(table.index.isin(received), table.index)
        enough = min(treated.sum(), (~treated).sum()) >= LEAST
        if not enough or start < lines["at"].min() + pd.Timedelta(days=HISTORY_DAYS):
            continue
        trials[campaign], tables[campaign] = assess_trial(table, treated, seed=seed), (table, treated)
        by_campaign.append(
            {"campaign": int(campaign), "treated": int(treated.sum()), "left_out": int((~treated).sum())}
            | verdict(trials[campaign])
        )
    largest = max(by_campaign, key=lambda one: one["treated"])
    table, treated = tables[largest["campaign"]]
    without = table.drop(columns=[name for name in table if name.startswith("coupon")])
    known = set(lines["household_id"]) | set(campaigns["household_id"]) | set(demographics.index)
    return {
        **largest,
        "estimator": trials[largest["campaign"]].estimator,
        "outside_overlap": trials[largest["campaign"]].outside_overlap,
        "without_coupons": verdict(assess_trial(without, treated, seed=seed)),
        "balance": trials[largest["campaign"]].balance.head(10).drop(columns="arm").to_dict("records"),
        "by_campaign": by_campaign,
        "campaigns_assessed": len(by_campaign),
        "campaigns_called_no_draw": sum(not one["randomised"] for one in by_campaign),
        "households": len(known),
        "never_targeted": len(known - set(campaigns["household_id"])),
    }


def read(data: Path) -> tuple[pd.DataFrame, pd.DataFrame, "pd.Series[pd.Timestamp]", pd.DataFrame, pd.DataFrame]:
    folder = data / FOLDER
    lines = pd.read_csv(folder / "transactions_sample.csv.gz", dtype={"product_id": str, "basket_id": str})
    products = pd.read_csv(folder / "products.csv.gz", dtype={"product_id": str}, usecols=["product_id", "department"])
    lines = lines.merge(products, on="product_id", how="left", validate="many_to_one")
    lines["at"] = pd.to_datetime(lines["transaction_timestamp"])
    redemptions = pd.read_csv(folder / "coupon_redemptions.csv.gz", parse_dates=["redemption_date"])
    starts = pd.read_csv(folder / "campaign_descriptions.csv.gz", parse_dates=["start_date"])
    return (
        lines,
        pd.read_csv(folder / "campaigns.csv.gz"),
        starts.set_index("campaign_id")["start_date"],
        redemptions,
        numbered(pd.read_csv(folder / "demographics.csv.gz").set_index("household_id")),
    )


def numbered(demographics: pd.DataFrame) -> pd.DataFrame:
    """Household sizes as numbers: the highest, such as 5+, is its least."""
    sizes = demographics[["household_size", "kids_count"]].astype(str)
    return demographics.assign(**sizes.apply(lambda column: column.str.rstrip("+").astype(float)))


def households_at(
    start: pd.Timestamp, lines: pd.DataFrame, redemptions: pd.DataFrame, demographics: pd.DataFrame
) -> pd.DataFrame:
    """Describe the households seen before a campaign's start by what was known then; the index is the household.

    Demographics have no date: they are taken as lasting, and where a household has none they are missing.
    """
    before = lines[lines["at"] < start]
    by = before.groupby("household_id")
    recent = before[before["at"] >= start - pd.Timedelta(days=RECENT_DAYS)].groupby("household_id")
    table = pd.DataFrame({
        "lines": by.size(), "baskets": by["basket_id"].nunique(), "stores": by["store_id"].nunique(),
        "spend": by["sales_value"].sum(), "loyalty_discount": by["retail_disc"].sum(),
        "coupon_discount": by["coupon_disc"].sum(), "lines_recent": recent.size(),
        "spend_recent": recent["sales_value"].sum(),
        "days_since_last": (start - by["at"].max()).dt.days, "days_since_first": (start - by["at"].min()).dt.days,
    })  # fmt: skip
    department = before["department"].where(before["department"].isin(DEPARTMENTS), "other")
    of_department = before.assign(department="spend_" + department.str.lower())
    table = table.join(of_department.pivot_table("sales_value", "household_id", "department", "sum"))
    redeemed = redemptions[redemptions["redemption_date"] < start].groupby("household_id").size()
    table = table.join(redeemed.rename("coupons_redeemed")).fillna(0.0)
    return table.join(demographics)
