"""Study 000: results are those that it claims, and its own steps do what they say on planted tables."""

import importlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from afraz.params import read_yaml

STUDY = Path(__file__).resolve().parents[1] / "experiments" / "000-demo-bank"
RESULTS = json.loads((STUDY / "results.json").read_text("utf-8"))
FOUND = RESULTS["decisions"]
README = " ".join((STUDY / "README.md").read_text("utf-8").split())
LISTS = ("ours", "response", "random", "observable", "latent")


@pytest.fixture(scope="module")
def modules() -> Iterator[dict[str, ModuleType]]:
    """The study's modules, which import one another as the notebook does: by the folder they are in."""
    names = ("intervals", "decisions", "scores")
    sys.path.insert(0, str(STUDY))
    yield {name: importlib.import_module(name) for name in names}
    sys.path.remove(str(STUDY))
    for name in names:
        del sys.modules[name]


@pytest.mark.parametrize("name", ["decisions", "scores"])
def test_every_stage_finds_what_it_reads(modules: dict[str, ModuleType], name: str) -> None:
    stages = read_yaml(STUDY.parents[1] / "dvc.yaml")["stages"]
    written = {stage: [out if isinstance(out, str) else next(iter(out)) for kind in ("outs", "metrics")
                       for out in does.get(kind, [])] for stage, does in stages.items()}  # fmt: skip
    ready: set[str] = set()
    for stage in modules[name].STAGES:
        made = {out for outs in written.values() for out in outs}
        read = {dep for dep in stages[stage]["deps"] if any(dep == out or dep.startswith(f"{out}/") for out in made)}
        assert {dep for dep in read if not any(dep == out or dep.startswith(f"{out}/") for out in ready)} == set()
        ready |= set(written[stage])


def test_the_ends_of_fiellers_interval_are_ratios_that_a_t_test_just_rejects(modules: dict[str, ModuleType]) -> None:
    rng = np.random.default_rng(5)
    below = rng.normal(2.0, 0.8, 10)
    above = 1.4 * below + rng.normal(0, 0.5, 10)
    ratio, low, high = modules["intervals"].fieller(above, below)
    assert ratio == pytest.approx(above.mean() / below.mean())
    assert low < ratio < high
    for end in (low, high):
        assert stats.ttest_1samp(above - end * below, 0).pvalue == pytest.approx(0.05)


def test_a_ratio_to_what_may_be_nothing_is_not_stated(modules: dict[str, ModuleType]) -> None:
    rng = np.random.default_rng(6)
    nothing = rng.normal(0, 1, 10)
    assert modules["intervals"].fieller(np.ones(10), nothing - nothing.mean() + 0.1) == (None, None, None)
    assert modules["intervals"].fieller(np.ones(10), rng.normal(-5, 0.1, 10)) == (None, None, None)


def _bank(seed: int, rows: int = 3000) -> pd.DataFrame:
    """Worth follows a number and the channel; what stands aside would tell it outright."""
    rng = np.random.default_rng(seed)
    table = pd.DataFrame({
        "campaign_id": "P1", "customer_id": np.arange(rows), "as_of": pd.Timestamp("2026-01-31"), "arm": "offer",
        "kind": "randomised", "need": rng.normal(0, 1, rows), "noise": rng.normal(0, 1, rows),
        "channel": rng.choice(["call", "email"], rows), "member": rng.random(rows) < 0.5, "offer_cost": 10.0,
    })  # fmt: skip
    worth = np.where(table["channel"] == "call", table["need"], -table["need"])
    return table.assign(propensity=worth, worth=worth + rng.normal(0, 0.5, rows))


def test_the_observable_oracle_learns_the_worth_from_features_texts_included(modules: dict[str, ModuleType]) -> None:
    oracle = modules["decisions"].Oracle([_bank(1), _bank(2), _bank(3)], seed=7)
    new = _bank(4)
    assert oracle.levels == {"channel": ["call", "email"]}
    assert set(oracle.columns) == {"need", "noise", "channel", "member", "offer_cost"}
    assert np.corrcoef(oracle.predict(new), new["propensity"])[0, 1] > 0.97
    turned = new.assign(channel=new["channel"].map({"call": "email", "email": "call"}))
    assert np.corrcoef(oracle.predict(turned), new["propensity"])[0, 1] < -0.97
    assert modules["decisions"].about([_bank(1), _bank(2), _bank(3)], oracle)["oracle_rows"] == 6000


def _row(seed: int, ours: float, response: float) -> dict[str, float]:
    """A bank of 1,000 customers; ours and the oracles contact fewer than 300."""
    paid = {"ours": ours, "response": response, "random": -1.0, "observable": 3.0, "latent": 7.0}
    contacts = {"ours": 200.0, "response": 300.0, "random": 300.0, "observable": 250.0, "latent": 290.0}
    dogs = {"ours": (20.0, 50.0), "response": (100.0, 100.0), "random": (80.0, 80.0), "observable": (30.0, 75.0),
            "latent": (0.0, 0.0)}  # fmt: skip
    row = {"seed": seed, "customers": 1000.0}
    for name, value in paid.items():
        row |= {f"{name}_at_{at}": value for at in ("10pct", "20pct", "30pct", "50pct")}
        row |= {f"contacts_{name}": contacts[name], f"worth_{name}": contacts[name] * value}
        row |= {f"sleeping_dogs_{name}": dogs[name][0], f"sleeping_dogs_{name}_at_30pct": dogs[name][1]}
    return row


def test_banks_are_put_together_by_means_and_gains_are_counted_from_a_random_list(
    modules: dict[str, ModuleType],
) -> None:
    found = modules["decisions"].summed_up([_row(1, 1.0, 0.0), _row(2, 2.0, 0.5), _row(3, 3.0, 0.1)])
    assert found["contacted"]["ours"] == pytest.approx(0.2)
    assert found["worth_per_customer"]["ours"] == pytest.approx(0.4)
    assert found["share_of_observable_oracle"] == pytest.approx((0.4 + 0.3) / (0.75 + 0.3))
    assert found["share_of_latent_oracle"] == pytest.approx((0.4 + 0.3) / (2.03 + 0.3))
    assert found["over_response_ranking"] == pytest.approx((0.4 + 0.3) / (0.06 + 0.3))
    assert found["difference_to_response_ranking"] == pytest.approx(0.4 - 0.06)
    assert (found["banks_above_response_ranking"], found["sleeping_dogs_ratio"]) == (1.0, 0.2)
    assert found["sleeping_dogs_ratio_of_observable_oracle"] == 0.3
    assert found["sleeping_dogs_of_contacts"]["ours"] == 0.1
    equal = found["at_equal_length"]["30pct"]
    assert equal["share_of_observable_oracle"] == pytest.approx(0.75)
    assert equal["share_of_latent_oracle"] == pytest.approx(0.375)
    assert equal["over_response_ranking"] == pytest.approx(9 / 3.6)
    assert equal["difference_to_response_ranking"] == pytest.approx(1.8)
    assert equal["sleeping_dogs_ratio"] == 0.5
    assert "sleeping_dogs_ratio" not in found["at_equal_length"]["50pct"]
    losing = modules["decisions"].summed_up([_row(1, 1.0, -1.5), _row(2, 2.0, -1.0), _row(3, 3.0, -0.6)])
    assert losing["over_response_ranking"] is None
    assert losing["at_equal_length"]["30pct"]["difference_to_response_ranking"] == pytest.approx(2 + 3.1 / 3)


def test_results_follow_from_the_banks() -> None:
    table = pd.DataFrame(FOUND["by_bank"])
    assert table["seed"].is_unique
    for at, found in FOUND["at_equal_length"].items():
        paid = {name: table[f"{name}_at_{at}"] for name in LISTS}
        assert {name: pytest.approx(each.mean()) for name, each in paid.items()} == found["worth_per_contact"]
        share = (paid["ours"] - paid["random"]) / (paid["observable"] - paid["random"])
        assert found["share_of_observable_oracle"] == pytest.approx(share.mean())
        assert (paid["latent"] > table[[f"{name}_at_{at}" for name in LISTS[:4]]].max(axis=1)).all()
    decided = {name: table[f"worth_{name}"] / table["customers"] for name in LISTS}
    assert {name: pytest.approx(each.mean()) for name, each in decided.items()} == FOUND["worth_per_customer"]
    for name in ("response", "random"):
        assert FOUND["contacted"][name] == pytest.approx(0.3)
        assert decided[name].mean() == pytest.approx(0.3 * table[f"{name}_at_30pct"].mean())
    assert all(FOUND["contacted"][name] < 0.3 for name in ("ours", "observable"))


def test_the_readme_states_what_was_found() -> None:
    def interval(name: str, digits: int = 3, found: dict[str, float] = FOUND) -> str:
        value, low, high = (found[f"{name}{end}"] for end in ("", "_low", "_high"))
        return f"{value:.{digits}f} ({low:.{digits}f}–{high:.{digits}f})".replace("-", "−")

    equal = FOUND["at_equal_length"]["30pct"]
    said = []
    for found, digits in ((FOUND, 3), (equal, 2)):
        said += [interval("share_of_observable_oracle", found=found), interval("share_of_latent_oracle", found=found)]
        said += [interval("difference_to_response_ranking", digits, found), f"{found['sleeping_dogs_ratio']:.2f}"]
        said += [interval("over_response_ranking", 2, found)] if found["over_response_ranking"] is not None else []
    said += [f"{value:.3f}".replace("-", "−") for value in FOUND["worth_per_customer"].values()]
    said += [f"{value:.2f}".replace("-", "−") for value in equal["worth_per_contact"].values()]
    said += [f"{100 * FOUND['contacted']['ours']:.0f} of 30 %"]
    said += [f"{FOUND['at_equal_length'][at]['share_of_observable_oracle']:.2f}" for at in ("10pct", "20pct", "50pct")]
    said += [f"{found['sleeping_dogs_ratio_of_observable_oracle']:.3f}".lstrip("0") for found in (FOUND, equal)]
    said += [interval(f"{lens}_share", 2, RESULTS["groups"]) for lens in ("behaviour", "needs")]
    said += [
        interval(f"share_of_{of}", found=RESULTS[m]) for m in ("churn", "credit") for of in ("latent", "observable")
    ]
    assert [words for words in said if words not in README] == []
