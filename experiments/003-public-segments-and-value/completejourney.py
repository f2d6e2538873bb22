"""The Complete Journey: do the households of a grocer fall into groups of needs, and do needs go with demographics?

The transactions are a sample of lines: what a household buys can be told from them, when and how much it buys cannot.
So every line counts once (quantities and prices are not looked at), and only shares within a household are used.
"""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import mannwhitneyu
from sklearn.metrics import adjusted_rand_score

from afraz.features.items import spread_items
from afraz.models import pyfunc_segments as run
from afraz.models.segmentation.clusters import preparation
from afraz.models.segmentation.migration import holm
from afraz.models.segmentation.preparation import block_items, read_sources
from afraz.models.segmentation.profile import describe_against_rest
from afraz.models.segmentation.segmentation import fit_segmentation
from afraz.models.segmentation.settings import ClustersLens, SegmentationSettings
from lens_report import by_seed, configured, examined

DAY = pd.Timestamp("2018-01-01")  # the end of the year that the lines are of
# Fixed before the first fit
LEAST_LINES = 20  # fewer say little of the shares of a hundred categories
LEAST_REACH = 0.1  # a category that fewer households buy is no common need
PEOPLE = ["age", "income", "home_ownership", "marital_status", "household_size", "household_comp", "kids_count"]
NEEDS: dict[str, Any] = {"kind": "clusters", "themes": ["category"]}
OTHER_VIEWS: dict[str, dict[str, Any]] = {
    "departments": {"kind": "clusters", "themes": ["department"]},
    "counted": {"kind": "clusters", "counts": ["category"], "clusters": (2, 4)},
}
WITH_PEOPLE: dict[str, dict[str, Any]] = {
    "people": {"kind": "clusters", "texts": PEOPLE},
    "needs_and_people": {"kind": "clusters", "themes": ["category"], "texts": PEOPLE},
}
RESAMPLES, NULLS = 10, 5  # a hundred counts take long
SEEDS = 10
PLANTED = (0.1, 0.2, 0.3, 0.4)  # shares of the lines that are exchanged for those of a planted group
GROUPS = 3


def completejourney(data: Path, seed: int = 7) -> dict[str, Any]:
    """Run all of it on the folder of the public data sets."""
    folder = data / "completejourney"
    lines = read_lines(folder)
    table = households(lines, read_people(folder))
    known = table[table["age"].notna()].reset_index(drop=True)
    asked = settings_of({"needs": NEEDS, **OTHER_VIEWS}, seed)
    return {"needs": {
        **examined(table, "needs", asked),
        "households": len(table), "lines": int(table[block_items(table, "category")].to_numpy().sum()),
        "categories": len(block_items(table, "category")), "departments": len(block_items(table, "department")),
        "sampled": {"households": int(lines["customer_id"].nunique()), "lines": len(lines)},
        "other_seeds": by_seed(table, "needs", asked, range(seed, seed + SEEDS)),
        "other_views": {name: examined(table, name, asked) for name in OTHER_VIEWS},
        "planted": [planted(table, share, seed) for share in PLANTED],
        "with_demographics": {"households": len(known), **with_people(known, seed)},
        "themes": themes(table, seed),
        "demographics_of_themes": contrasts(theme_weights(table, seed), table[PEOPLE]),
    }}  # fmt: skip


def settings_of(lenses: dict[str, Any], seed: int) -> SegmentationSettings:
    return configured(lenses, seed, RESAMPLES, NULLS)


def read_lines(folder: Path) -> pd.DataFrame:
    """Give each sampled line its household, category and department; petrol is a category, however it is filed."""
    lines = pd.read_csv(folder / "transactions_sample.csv.gz", dtype=str, usecols=["household_id", "product_id"])
    products = pd.read_csv(folder / "products.csv.gz", dtype=str)
    lines = lines.merge(products, on="product_id", how="left", validate="many_to_one")
    lines["category"] = lines["product_category"].mask(lines["department"] == "FUEL", "PETROL").str.lower()
    lines["department"] = lines["department"].str.lower()
    return lines.rename(columns={"household_id": "customer_id"})[["customer_id", "category", "department"]]


def read_people(folder: Path) -> pd.DataFrame:
    people = pd.read_csv(folder / "demographics.csv.gz", dtype=str)
    return people.rename(columns={"household_id": "customer_id"})


def households(lines: pd.DataFrame, people: pd.DataFrame) -> pd.DataFrame:
    """Count the lines of each household by category and department, beside its demographics where these are known."""
    lines = lines.dropna(subset=["category"])
    lines = lines[lines.groupby("customer_id")["category"].transform("size") >= LEAST_LINES]
    rows = pd.DataFrame({"customer_id": sorted(lines["customer_id"].unique()), "as_of": DAY})
    parts = []
    for block in ("category", "department"):
        uses = lines.groupby(["customer_id", block]).size().rename("uses").reset_index()
        reach = uses[block].value_counts() / len(rows)
        uses = uses[uses[block].isin(reach.index[reach >= LEAST_REACH])]
        parts.append(uses.assign(as_of=DAY, item=f"{block}:" + uses[block]))
    items = pd.concat(parts)[["customer_id", "as_of", "item", "uses"]]
    table = pd.concat([rows, spread_items(items, rows)], axis=1)
    return table.merge(people, on="customer_id", how="left", validate="one_to_one")


def strongest(found: dict[str, Any]) -> dict[str, Any]:
    best = max(found["tried"], key=lambda fit: fit["structure"])
    return {"segments": found["segments"], "structure": best["structure"], "clusters": best["clusters"]}


def planted(table: pd.DataFrame, share: float, seed: int) -> dict[str, Any]:
    """Plant groups in the households' own lines, and see whether the lens finds them.

    Every household falls into one of three groups at random. Each of its lines is exchanged with probability ``share``
    for a line of the group's third of the categories, drawn as often as all households buy them.
    """
    rng = np.random.default_rng(seed)
    names = block_items(table, "category")
    counts = table[names].to_numpy().astype(np.int64)
    group = rng.integers(0, GROUPS, len(table))
    third = rng.permutation(len(names)) % GROUPS
    likely = counts.sum(axis=0) * (third == np.arange(GROUPS)[:, None])
    kept = rng.binomial(counts, 1 - share)
    fresh = rng.multinomial(counts.sum(axis=1) - kept.sum(axis=1), (likely / likely.sum(axis=1, keepdims=True))[group])
    changed = table[["customer_id"]].join(pd.DataFrame((kept + fresh).astype(float), columns=names))
    settings = settings_of({"needs": NEEDS}, seed)
    found, agreement = examined(changed, "needs", settings), None
    if found["segments"]:
        agreement = float(adjusted_rand_score(group, fit_segmentation(changed, settings).assigned["needs"]))
    return {"exchanged": share, **strongest(found), "agreement_with_planted": agreement}


def with_people(known: pd.DataFrame, seed: int) -> dict[str, Any]:
    """Put demographics beside needs, and alone: what both find together may be the demographics' doing."""
    settings = settings_of(WITH_PEOPLE, seed)
    found: dict[str, Any] = {name: examined(known, name, settings) for name in WITH_PEOPLE}
    if all(found[name]["segments"] for name in WITH_PEOPLE):
        assigned = fit_segmentation(known, settings).assigned
        found["agreement"] = float(adjusted_rand_score(assigned["people"], assigned["needs_and_people"]))
        names = assigned["needs_and_people"].map(found["needs_and_people"]["names"])
        counts = known[block_items(known, "category")]
        shares = counts.div(counts.sum(axis=1), axis=0)
        found["bought_by_segment"] = contrasts(shares, pd.DataFrame({"segment": names}))
    return found


def _themes(table: pd.DataFrame, seed: int) -> tuple[dict[str, Any], dict[str, Any]]:
    sources = read_sources(table, ClustersLens(**NEEDS), "needs")
    return preparation(sources, seed)["themes"], sources.columns


def themes(table: pd.DataFrame, seed: int, words: int = 5) -> dict[str, list[str]]:
    """Name each theme's heaviest categories."""
    found, _ = _themes(table, seed)
    items = np.array(found["blocks"][0]["items"])
    return {
        f"theme_{j + 1}": [str(item).removeprefix("category:") for item in items[np.argsort(-np.array(row))[:words]]]
        for j, row in enumerate(found["components"])
    }


def theme_weights(table: pd.DataFrame, seed: int) -> pd.DataFrame:
    found, columns = _themes(table, seed)
    return pd.DataFrame({f"theme_{j + 1}": w for j, w in enumerate(run.theme_weights(found, columns))})


def contrasts(values: pd.DataFrame, people: pd.DataFrame, least: int = 30) -> dict[str, Any]:
    """Hold the households of each level of each attribute against those of the other levels, value by value.

    Only households whose attribute is known; levels of at least ``least``. Effects are Cohen's d, p-values those of
    Mann and Whitney, and Holm's method over all of them keeps the chance of any false alarm at 5 %.

    Returns
    -------
    dict
        ``tests`` (their number), ``differ``: those that are significant, the largest effects first, and ``largest``:
        the largest effect of all, significant or not.
    """
    rows = []
    for attribute in people:
        stated = people[attribute].notna().to_numpy()
        for level, size in people.loc[stated, attribute].value_counts().sort_index().items():
            if not least <= size <= stated.sum() - least:
                continue
            inside = (people.loc[stated, attribute] == level).to_numpy()
            one = values[stated]
            for row in describe_against_rest(one, inside).to_dict("records"):
                x = one[row["what"]].to_numpy()
                p = float(mannwhitneyu(x[inside], x[~inside]).pvalue)
                rows.append({**row, "attribute": attribute, "level": level, "households": int(size), "p": p})
    table = pd.DataFrame(rows)
    table["p_adjusted"] = holm(table.pop("p").to_numpy())
    table = table.sort_values("effect", key=lambda e: -e.abs(), kind="stable", ignore_index=True)
    differ = table[table["p_adjusted"] < 0.05].to_dict("records")
    return {"tests": len(table), "differ": differ, "largest": table.iloc[0].to_dict()}
