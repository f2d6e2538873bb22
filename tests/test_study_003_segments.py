"""Study 003, segments: results are those that it claims, and its own steps do what they say on planted tables."""

import importlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
import pandas as pd
import pytest

STUDY = Path(__file__).resolve().parents[1] / "experiments" / "003-public-segments-and-value"
RESULTS = json.loads((STUDY / "results.json").read_text("utf-8"))
BANK, NEEDS = RESULTS["berka"]["segments"], RESULTS["completejourney"]["needs"]
README = " ".join((STUDY / "README.md").read_text("utf-8").split())


@pytest.fixture(scope="module")
def modules() -> Iterator[dict[str, ModuleType]]:
    """The study's modules, which import one another as the notebook does: by the folder they are in."""
    names = ("lens_report", "berka", "completejourney")
    sys.path.insert(0, str(STUDY))
    yield {name: importlib.import_module(name) for name in names}
    sys.path.remove(str(STUDY))
    for name in names:
        del sys.modules[name]


def test_every_customer_is_in_one_segment_and_sizes_add_up() -> None:
    lenses, last = BANK["lenses"], BANK["customers"]["1994-03-31"]
    assert [sum(lens["sizes"].values()) for lens in lenses.values()] == [last] * len(lenses)
    for lens, rows in BANK["sizes"].items():
        table = pd.DataFrame(rows)
        before = table.groupby("segment")["size"].shift()
        moved = table["entered"] - table["left"] + table["joined"] - table["gone"]
        later = before.notna()
        assert (table["size"] - before - moved)[later].abs().max() == 0, lens


def test_shares_that_moved_lie_within_their_intervals_and_only_what_is_significant_is_flagged() -> None:
    quarters = BANK["quarters"] + BANK["quarters_of_older_accounts"]
    for quarter in quarters:
        assert [m for m in quarter["moved"].values() if not m["low"] <= m["share"] <= m["high"]] == []
        assert all(row["p_adjusted"] < 0.05 and row["entered"] - row["left"] == row["net"] for row in quarter["net"])
    assert [q["to"] for q in BANK["quarters"]] == ["1993-10-01", "1994-01-01", "1994-03-31"]


def test_the_readme_states_what_was_found_of_the_bank() -> None:
    def percent(share: float) -> str:
        return f"{100 * share:.0f}"

    said = [f"{lens['adjusted_rand']:.2f}".lstrip("0") for lens in BANK["lenses"].values()]
    said += [f"{lens['jaccard_min']:.2f}".lstrip("0") for lens in BANK["lenses"].values()]
    for quarter in BANK["quarters"] + BANK["quarters_of_older_accounts"]:
        said += [
            f"{percent(m['share'])} % ({percent(m['low'])}–{percent(m['high'])})" for m in quarter["moved"].values()
        ]
    said.append(f"Five seeds gave {', '.join(str(fit['segments']) for fit in BANK['other_seeds']['fits'])} segments")
    assert [figure for figure in said if figure not in README] == []


def test_the_readme_states_what_was_found_of_needs() -> None:
    best = max(NEEDS["tried"], key=lambda fit: fit["structure"])
    said = [f"{best['structure']:.3f}".lstrip("0"), f"{NEEDS['households']:,}", f"{NEEDS['lines']:,}"]
    found = [plant["exchanged"] for plant in NEEDS["planted"] if plant["segments"]]
    said += [f"{min(found):.1f}".lstrip("0"), f"{NEEDS['with_demographics']['households']}"]
    assert [figure for figure in said if figure not in README] == []
    verdicts = [fit["segments"] for fit in NEEDS["other_seeds"]["fits"]]
    assert f"ten seeds gave {', '.join(map(str, verdicts))} segments" in README
    assert verdicts[0] == NEEDS["segments"]  # the first of them is the study's own seed


def test_who_may_only_use_an_account_and_who_has_just_opened_one_is_left_out(modules: dict[str, ModuleType]) -> None:
    inputs = pd.DataFrame(
        {"customer_id": list("abc"), "product:current": [1.0, 0.0, 1.0], "tenure_days": [90, 400, 89]}
    )
    assert modules["berka"].whole_windows(inputs)["customer_id"].tolist() == ["a"]


def test_a_planted_movement_is_flagged_and_its_neighbour_is_not(modules: dict[str, ModuleType]) -> None:
    rng = np.random.default_rng(3)
    customers = [f"c{i:03}" for i in range(400)]
    one, noise = rng.choice(["a", "b"], 400), rng.choice(["x", "y"], (2, 400))
    later = np.where((one == "a") & (rng.random(400) < 0.3), "b", one)
    dates = pd.to_datetime(["1994-01-01", "1994-04-01"])
    segments = pd.concat([
        pd.DataFrame({"customer_id": customers, "as_of": day, "lens": lens, "quiet": quiet,
                      "tenure_days": np.where(np.arange(400) < 150, 200, 10)})
        for day, lens, quiet in zip(dates, (one, later), noise, strict=True)
    ])  # fmt: skip
    named = {"lens": {"a": "A", "b": "B"}, "quiet": {"x": "X", "y": "Y"}}
    (found,) = modules["berka"].quarters(segments, named, 200, 7)
    assert [(row["lens"], row["name"]) for row in found["net"]] == [("lens", "A"), ("lens", "B")]
    moved = found["moved"]["lens"]
    assert moved["share"] == pytest.approx((one != later).mean())
    assert moved["low"] < moved["share"] < moved["high"]
    (older,) = modules["berka"].quarters(segments, named, 200, 7, least_age=180)
    assert (found["customers"], older["customers"]) == (400, 150)


def test_the_bank_comes_through_the_platform_with_whole_days_and_shares_below_one(
    modules: dict[str, ModuleType], public_data: Path
) -> None:
    inputs = modules["berka"].whole_windows(modules["berka"].read_inputs(public_data / "berka"))
    sizes = {f"{day:%Y-%m-%d}": int(n) for day, n in inputs.groupby("as_of").size().items()}
    assert sizes == BANK["customers"]
    assert inputs[["cash_withdrawal_share_90d", "transfer_out_share_90d"]].max().max() <= 1


def lines_of(*bought: tuple[str, str, int]) -> pd.DataFrame:
    rows = [(who, category, "grocery") for who, category, times in bought for _ in range(times)]
    return pd.DataFrame(rows, columns=["customer_id", "category", "department"])


def test_households_with_few_lines_and_rare_categories_are_left_out(modules: dict[str, ModuleType]) -> None:
    regular = [(f"h{i:02}", category, 12) for i in range(20) for category in ("bread", "milk")]
    people = pd.DataFrame({"customer_id": ["h01", "few"], "age": ["25-34", "65+"]})
    lines = lines_of(*regular, ("h01", "truffle", 1), ("few", "bread", 5))
    table = modules["completejourney"].households(lines, people)
    assert [name for name in table if name.startswith("category:")] == ["category:bread", "category:milk"]
    assert len(table) == 20
    assert table.set_index("customer_id")["age"].dropna().to_dict() == {"h01": "25-34"}


def test_lines_count_once_whatever_their_quantity_and_petrol_has_a_name(
    modules: dict[str, ModuleType], tmp_path: Path
) -> None:
    transactions = pd.DataFrame(
        {"household_id": ["01", "01", "1"], "product_id": ["7", "8", "9"], "quantity": [32000, 1, 1]}
    )
    products = pd.DataFrame({"product_id": ["7", "8"], "department": ["FUEL", "GROCERY"],
                             "product_category": ["COUPON/MISC ITEMS", "SOUP"]})  # fmt: skip
    transactions.to_csv(tmp_path / "transactions_sample.csv.gz", index=False)
    products.to_csv(tmp_path / "products.csv.gz", index=False)
    found = modules["completejourney"].read_lines(tmp_path)
    assert found["customer_id"].tolist() == ["01", "01", "1"]  # identifiers are text
    assert found["category"].fillna("unknown").tolist() == ["petrol", "soup", "unknown"]


def test_a_planted_contrast_is_found_its_neighbour_is_not_and_silence_is_no_level(
    modules: dict[str, ModuleType],
) -> None:
    rng = np.random.default_rng(5)
    kids = np.where(np.arange(600) < 200, None, rng.choice(["0", "1"], 600))
    values = pd.DataFrame({"cereal": rng.normal(size=600) + (kids == "1"), "petrol": rng.normal(size=600)})
    values.loc[:199, "petrol"] += 9  # of those whose attribute is not known
    people = pd.DataFrame({"kids": kids, "rare": ["x"] * 5 + ["y"] * 595})
    found = modules["completejourney"].contrasts(values, people)
    assert {(row["what"], row["attribute"]) for row in found["differ"]} == {("cereal", "kids")}
    assert found["tests"] == 4  # two levels, two values: a level of five households is not tested
    assert found["largest"]["effect"] == pytest.approx(found["differ"][0]["effect"])


# themes of what has none need not converge
@pytest.mark.filterwarnings("ignore:Maximum number of iterations:sklearn.exceptions.ConvergenceWarning")
def test_planted_groups_of_needs_are_found_where_none_were(modules: dict[str, ModuleType]) -> None:
    rng = np.random.default_rng(1)
    counts = rng.multinomial(40, np.full(12, 1 / 12), size=400).astype(float)
    table = pd.DataFrame(counts, columns=[f"category:{chr(97 + j)}" for j in range(12)])
    table.insert(0, "customer_id", [f"h{i:03}" for i in range(400)])
    study = modules["completejourney"]
    assert study.examined(table, "needs", study.settings_of({"needs": study.NEEDS}, 7))["segments"] == 0
    assert study.planted(table, 0.8, 7)["segments"] > 0
