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
    paid = {"ours": ours, "response": response, "random": -1.0, "observable": 3.0, "latent": 7.0}
    dogs = {f"sleeping_dogs_{name}": count for name, count in (("ours", 50.0), ("response", 100.0), ("random", 80.0))}
    dogs |= {
        "customers": 1000.0,
        "sleeping_dogs_ours_decided": 20.0,
        "contacts_ours_decided": 200.0,
        "contacts_observable_decided": 250.0,
        "worth_ours_decided": 100.0,
        "worth_observable_decided": 300.0,
    }
    return {"seed": seed, **{f"{name}_at_30pct": value for name, value in paid.items()}, **dogs,
            "share_of_observable_at_30pct": (ours + 1) / 4, "share_of_latent_at_30pct": (ours + 1) / 8}  # fmt: skip


def test_banks_are_put_together_by_means_and_gains_are_counted_from_a_random_list(
    modules: dict[str, ModuleType],
) -> None:
    found = modules["decisions"].summed_up([_row(1, 1.0, 0.0), _row(2, 2.0, 0.5), _row(3, 3.0, 0.1)])
    assert found["share_of_observable_oracle"] == pytest.approx(0.75)
    assert found["share_of_latent_oracle"] == pytest.approx(0.375)
    assert found["over_response_ranking"] == pytest.approx(9 / 3.6)
    assert found["difference_to_response_ranking"] == pytest.approx(1.8)
    assert (found["banks_above_response_ranking"], found["sleeping_dogs_ratio"]) == (1.0, 0.5)
    decided = found["as_decided"]
    assert decided["contacted"] == {"ours": pytest.approx(0.2), "observable": pytest.approx(0.25)}
    assert decided["worth_per_customer"]["random"] == pytest.approx(-0.3)
    assert decided["share_of_observable_oracle"] == pytest.approx((0.1 + 0.3) / (0.3 + 0.3))
    assert (decided["sleeping_dogs_ratio"], decided["sleeping_dogs_of_contacts"]) == (0.2, 0.1)
    losing = modules["decisions"].summed_up([_row(1, 1.0, -1.5), _row(2, 2.0, -1.0), _row(3, 3.0, -0.6)])
    assert losing["over_response_ranking"] is None
    assert losing["difference_to_response_ranking"] == pytest.approx(2 + 3.1 / 3)


def test_results_follow_from_the_banks() -> None:
    table = pd.DataFrame(FOUND["by_bank"])
    assert table["seed"].is_unique
    for name in LISTS:
        assert FOUND["worth_per_contact"][name] == pytest.approx(table[f"{name}_at_30pct"].mean())
    gain = table["ours_at_30pct"] - table["random_at_30pct"]
    share = gain / (table["observable_at_30pct"] - table["random_at_30pct"])
    assert FOUND["share_of_observable_oracle"] == pytest.approx(share.mean())
    for at in ("10pct", "20pct", "30pct", "50pct"):
        assert (table[f"latent_at_{at}"] > table[[f"{name}_at_{at}" for name in LISTS[:4]]].max(axis=1)).all()


def test_the_readme_states_what_was_found() -> None:
    def interval(name: str, digits: int = 3, found: dict[str, float] = FOUND) -> str:
        value, low, high = (found[f"{name}{end}"] for end in ("", "_low", "_high"))
        return f"{value:.{digits}f} ({low:.{digits}f}–{high:.{digits}f})".replace("-", "−")

    said = [interval("share_of_observable_oracle"), interval("share_of_latent_oracle")]
    said += [interval("difference_to_response_ranking", 2), f"{FOUND['sleeping_dogs_ratio']:.2f}"]
    said += [f"{value:.2f}".replace("-", "−") for value in FOUND["worth_per_contact"].values()]
    decided = FOUND["as_decided"]
    said += [interval("share_of_observable_oracle", found=decided), f"{decided['sleeping_dogs_ratio']:.2f}"]
    said += [f"{decided['worth_per_customer'][name]:.3f}".replace("-", "−") for name in ("ours", "response")]
    said += [interval(f"{lens}_share", 2, RESULTS["groups"]) for lens in ("behaviour", "needs")]
    said += [
        interval(f"share_of_{of}", found=RESULTS[m]) for m in ("churn", "credit") for of in ("latent", "observable")
    ]
    if FOUND["over_response_ranking"] is not None:
        said.append(interval("over_response_ranking", 2))
    assert [words for words in said if words not in README] == []
