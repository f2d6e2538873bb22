"""Strips: stable, independent of order and of each other; propensities are what the draws really do."""

import numpy as np
import pandas as pd
import pytest

from afraz.decisioning.balance import check_balance, check_sizes
from afraz.decisioning.power import Power
from afraz.decisioning.strips import control_groups, control_sizes, draw, set_apart
from afraz.errors import DataError, ParamsError

IDS = pd.Series([f"C{i:06d}" for i in range(20_000)])
SHARES = {"holdout": 0.02, "exploration": 0.05}


def _assigned(n: int = 20_000, campaign: str = "P1") -> pd.DataFrame:
    return pd.DataFrame({"campaign_id": campaign, "customer_id": IDS.head(n), "offer": "fee_waiver"})


def test_a_draw_depends_on_id_and_key_alone_and_is_uniform() -> None:
    u = draw(IDS, "a")
    assert draw(IDS[::-1], "a")[::-1].tolist() == u.tolist()
    assert draw(IDS.head(1), "a")[0] == u[0]
    v = draw(IDS, "b")
    assert abs(np.corrcoef(u, v)[0, 1]) < 0.03
    assert np.allclose(np.quantile(u, [0.1, 0.5, 0.9]), [0.1, 0.5, 0.9], atol=0.015)


def test_the_holdout_lasts_while_exploration_is_drawn_anew() -> None:
    one = set_apart(IDS, **SHARES, round_key="2026-07-01").set_index("customer_id")["strip"]
    grown = pd.concat([IDS.sample(frac=1, random_state=1), pd.Series(["new1", "new2"])])
    two = set_apart(grown, **SHARES, round_key="2026-08-01").set_index("customer_id")["strip"]
    held = one.index[one.eq("holdout")]
    assert set(held) == set(two.index[two.eq("holdout")]) - {"new1", "new2"}
    explored = one.index[one.eq("exploration")]
    again = two.reindex(explored).eq("exploration").mean()
    assert again == pytest.approx(0.05, abs=0.03)
    wider = set_apart(IDS, holdout=0.03, exploration=0.2, round_key="2026-07-01").set_index("customer_id")["strip"]
    assert wider.reindex(held).eq("holdout").all()
    assert check_sizes(set_apart(IDS, **SHARES, round_key="x"))["ok"].all()


def test_a_strip_of_the_wrong_size_is_found() -> None:
    strips = set_apart(IDS, **SHARES, round_key="x")
    lost = strips[~(strips["strip"].eq("holdout") & (strips.index % 2 == 0))]
    found = check_sizes(lost).set_index("strip")["ok"]
    assert not found["holdout"]
    assert found["exploration"]


def test_controls_have_the_size_of_the_power_and_propensities_that_add_up() -> None:
    assigned = pd.concat([_assigned(), _assigned(500, "P2")], ignore_index=True)
    rows = control_groups(assigned, Power(), "x")
    by = control_sizes(rows, Power()).set_index("campaign_id")
    assert by["measurable"].to_dict() == {"P1": True, "P2": False}
    assert by["control"].to_dict() == {"P1": 1433, "P2": 150}
    assert (
        rows.groupby("campaign_id")["strip"].apply(lambda s: s.eq("control").sum()).to_dict() == by["control"].to_dict()
    )
    assert rows["strip"].eq("control").eq(rows["arm"].eq("control")).all()
    shares = rows.groupby(["campaign_id", "arm"])["propensity"].first()
    assert shares["P1", "control"] == pytest.approx(1433 / 20_000)
    assert shares["P1"].sum() == pytest.approx(1)
    shuffled = control_groups(assigned.sample(frac=1, random_state=3), Power(), "x")
    pd.testing.assert_frame_equal(shuffled.sort_index(), rows)
    other = control_groups(assigned, Power(), "y")
    both = rows["strip"].eq("control") & other["strip"].eq("control")
    assert both[rows["campaign_id"].eq("P1")].sum() == pytest.approx(1433**2 / 20_000, abs=40)


def test_a_draw_is_balanced_and_a_chosen_control_is_found() -> None:
    rng = np.random.default_rng(1)
    customers = pd.DataFrame(
        {"customer_id": IDS, "risk": rng.beta(1, 9, len(IDS)), "age": rng.normal(45, 12, len(IDS))}
    )
    customers.loc[::7, "age"] = np.nan
    rows = control_groups(_assigned(), Power(), "x")
    assert check_balance(rows, customers, ["risk", "age"])["ok"].all()
    worst = customers.sort_values("risk")["customer_id"].head(1433)
    chosen = rows.assign(strip=np.where(rows["customer_id"].isin(worst), "control", "decided"))
    found = check_balance(chosen, customers, ["risk", "age"]).set_index("column")["ok"]
    assert not found["risk"]
    assert found["age"]
    with pytest.raises(DataError, match="'gone' is no numeric column"):
        check_balance(rows, customers, ["gone"])


def test_repeats_and_senseless_shares_are_refused() -> None:
    with pytest.raises(DataError, match="2 customers repeat"):
        set_apart(pd.concat([IDS, IDS.head(2)]), **SHARES, round_key="x")
    with pytest.raises(ParamsError, match="exploration is a share"):
        set_apart(IDS, holdout=0.1, exploration=-0.1, round_key="x")
    with pytest.raises(DataError, match="1 rows repeat customer and campaign"):
        control_groups(pd.concat([_assigned(10), _assigned(1)]), Power(), "x")


def test_controls_of_two_campaigns_and_the_exploration_are_drawn_apart() -> None:
    both = pd.concat([_assigned(), _assigned(campaign="P2")], ignore_index=True)
    rows = control_groups(both, Power(), "x")
    control = rows[rows["strip"].eq("control")].groupby("campaign_id")["customer_id"].agg(set)
    explored = set_apart(IDS, holdout=0, exploration=1433 / 20_000, round_key="x")
    explored = set(explored.loc[explored["strip"].eq("exploration"), "customer_id"])
    for other in (control["P2"], explored):
        assert len(control["P1"] & other) == pytest.approx(1433**2 / 20_000, abs=45)
