"""Quality of service: small numbers are drawn in, real differences are named, chance is not."""

import numpy as np
import pandas as pd
import pytest

from afraz.models.support.service_quality import association, experience, service_quality, shrink


def rows(agents: int, calls: int, seed: int, bad: float | None = None) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    agent = np.repeat(np.arange(agents), calls)
    level = np.where(agent == 0, 3.7 if bad is None else bad, 3.7)
    return pd.DataFrame({
        "agent_id": [f"g{a:02d}" for a in agent], "satisfaction": np.clip(np.rint(rng.normal(level, 1)), 1, 5),
        "resolved": rng.random(len(agent)) < 0.8, "wait_seconds": rng.exponential(60, len(agent)),
        "abandoned": rng.random(len(agent)) < 0.1,
    })  # fmt: skip


def test_the_bad_agent_is_named_and_the_others_hardly_ever() -> None:
    innocent = 0
    for seed in range(10):
        found = service_quality(rows(30, 80, seed, bad=2.5), ["agent_id"])
        bad = found[(found["measure"] == "satisfaction") & (found["level"] == "g00")].iloc[0]
        assert bad["differs"]
        assert bad["raw"] < bad["shrunk"] < bad["overall"]
        innocent += found["differs"].sum() - 1
    assert innocent <= 2, "of 10 x 119 that are as good as the others"


def test_agents_who_differ_by_chance_alone_are_hardly_ever_named() -> None:
    named = [service_quality(rows(30, 40, seed), ["agent_id"])["differs"].sum() for seed in range(20)]
    assert sum(named) / (20 * 30 * 4) < 0.01


def test_an_agent_with_one_call_is_as_good_as_the_others_as_far_as_anybody_knows() -> None:
    calls = rows(20, 100, 3, bad=2.5)
    one = pd.DataFrame({"agent_id": ["new"], "satisfaction": [1.0], "resolved": [False], "wait_seconds": [600.0],
                        "abandoned": [True]})  # fmt: skip
    found = service_quality(pd.concat([calls, one]), ["agent_id"])
    new = found[found["level"] == "new"]
    assert (new["contacts"] == 1).all()
    assert not new["differs"].any()
    shrunk = new.set_index("measure").loc["satisfaction"]
    assert shrunk["shrunk"] == pytest.approx(shrunk["overall"], abs=0.35)
    assert shrunk["high"] - shrunk["low"] > 0.5


def test_shrunk_means_are_nearer_to_the_truth_than_raw_ones() -> None:
    rng = np.random.default_rng(5)
    truth, variance = rng.normal(0, 0.5, 400), rng.uniform(0.05, 2.0, 400)
    raw = rng.normal(truth, np.sqrt(variance))
    found = shrink(raw, variance)
    assert ((found.mean - truth) ** 2).mean() < 0.5 * ((raw - truth) ** 2).mean()
    assert found.between == pytest.approx(0.5, abs=0.1)
    assert ((found.low <= truth) & (truth <= found.high)).mean() == pytest.approx(0.95, abs=0.03)


def test_cuts_and_measures_that_are_not_there_are_left_out() -> None:
    assert service_quality(rows(2, 5, 1).drop(columns="satisfaction"), ["branch_id"]).empty
    found = service_quality(rows(2, 5, 1).drop(columns="satisfaction"), ["agent_id", "branch_id"])
    assert set(found["measure"]) == {"resolved", "wait_seconds", "abandoned"}


def test_a_difference_that_a_stratum_makes_is_taken_out() -> None:
    rng = np.random.default_rng(6)
    fragile = rng.random(40_000) < 0.5
    left_open = rng.random(40_000) < np.where(fragile, 0.6, 0.1)  # the fragile call more, and leave more
    table = pd.DataFrame({
        "stratum": fragile, "contacts_90d": left_open * 1.0, "unresolved_90d": left_open * 1.0,
        "leaves": (rng.random(40_000) < np.where(fragile, 0.2, 0.02)) * 1.0,
    })  # fmt: skip
    table["experience"] = experience(table)
    raw = association(table, "leaves", ()).set_index("experience")
    alike = association(table, "leaves", ("stratum",)).set_index("experience")
    assert raw.loc["a matter left open", "difference"] > 0.08
    assert abs(alike.loc["a matter left open", "difference"]) < 0.01
    assert raw.loc["a matter left open", "mean"] == alike.loc["a matter left open", "mean"]


def test_experiences_are_told_apart() -> None:
    seen = experience(pd.DataFrame({"contacts_90d": [0, 2, 2, None], "unresolved_90d": [0, 0, 1, None]}))
    assert seen.tolist() == ["no contact", "all settled", "a matter left open", "no contact"]
