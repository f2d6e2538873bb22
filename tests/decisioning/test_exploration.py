"""Exploration: offers, channels and coins fall with the logged probability, and only on what has room."""

import pandas as pd
import pytest

from afraz.decisioning.exploration import explore, random_rows
from afraz.decisioning.power import Power
from afraz.decisioning.resources import Resources
from afraz.decisioning.strips import control_groups, set_apart
from afraz.errors import DataError

IDS = pd.Series([f"C{i:06d}" for i in range(20_000)])
STRIPS = set_apart(IDS, holdout=0.02, exploration=0.5, round_key="x")
KINDS = pd.DataFrame({"offer": ["a", "a", "b"], "channel": ["call", "email", "email"], "cost": [4.0, 0.1, 0.1]})


@pytest.fixture
def options() -> pd.DataFrame:
    """Half of the customers may get the offer "a" only."""
    table = pd.DataFrame({"customer_id": IDS}).merge(KINDS, how="cross").assign(net_value=1.5)
    return table[~(table["offer"].eq("b") & table["customer_id"].lt("C010000"))]


def test_every_offer_channel_week_and_coin_is_drawn_with_the_logged_probability(options: pd.DataFrame) -> None:
    rows = explore(options, STRIPS, "x")
    drawn_into = STRIPS.loc[STRIPS["strip"].eq("exploration"), "customer_id"]
    assert rows["customer_id"].tolist() == drawn_into.tolist()
    pd.testing.assert_frame_equal(rows, explore(options.sample(frac=1, random_state=2), STRIPS, "x"))
    assert set(rows["propensity"]) == {1 / 2}
    one, two = rows[rows["customer_id"].lt("C010000")], rows[rows["customer_id"].ge("C010000")]
    for part, arms in ((one, {"a": 1 / 2, "control": 1 / 2}), (two, {"a": 1 / 4, "b": 1 / 4, "control": 1 / 2})):
        shares = part["arm"].value_counts(normalize=True)
        assert shares.to_dict() == pytest.approx(arms, abs=0.03)
    ways = rows.loc[rows["arm"].eq("a"), "channel"].value_counts(normalize=True)
    assert ways.to_dict() == pytest.approx({"call": 0.5, "email": 0.5}, abs=0.03)
    assert two.groupby(["offer", "channel"])["option_propensity"].unique().map(list).to_dict() == {
        ("a", "call"): [1 / 4], ("a", "email"): [1 / 4], ("b", "email"): [1 / 2]}  # fmt: skip
    weeks = rows["week"].value_counts(normalize=True)
    assert weeks.to_dict() == pytest.approx(dict.fromkeys([1, 2, 3, 4], 0.25), abs=0.03)
    chance = random_rows(rows)["chance"]
    value = (rows["arm"].eq("b") / chance)[two.index].mean()  # inverse propensity of "b for everybody"
    assert value == pytest.approx(1, abs=0.06)
    assert (rows["arm"].eq("control") / chance).mean() == pytest.approx(1, abs=0.06)


def test_who_is_left_without_an_offer_could_have_got_it(options: pd.DataFrame) -> None:
    rows = explore(options, STRIPS, "x")
    control = rows[rows["arm"].eq("control")]
    assert control.merge(options, on=["customer_id", "offer", "channel"]).shape[0] == len(control)
    few = rows["customer_id"].lt("C010000").groupby([rows["offer"], rows["arm"].eq("control")]).mean().unstack()
    assert few[True].to_dict() == pytest.approx(few[False].to_dict(), abs=0.03), "control is like those offered"


def test_nobody_to_explore_gives_no_row(options: pd.DataFrame) -> None:
    rows = explore(options, set_apart(IDS, holdout=0, exploration=0, round_key="x"), "x")
    assert len(rows) == 0
    assert {"week", "strip", "arm", "propensity", "option_propensity"} <= set(rows)


def test_only_what_has_room_is_drawn_and_chances_say_so(options: pd.DataFrame) -> None:
    rows = explore(options, STRIPS, "x", Resources(channel_capacity={"call": 0}))
    assert "call" not in set(rows["channel"])
    assert set(rows["option_propensity"]) == {1, 1 / 2}
    assert explore(options, STRIPS, "x", Resources(budget=0)).empty
    scarce = Resources(weeks=2, channel_capacity={"call": 7, "email": 300})
    rows = explore(options, STRIPS, "x", scarce)
    made = rows[rows["arm"].ne("control")].groupby(["channel", "week"]).size()
    assert made.to_dict() == {("call", 1): 7, ("call", 2): 7, ("email", 1): 300, ("email", 2): 300}
    assert len(rows) == pytest.approx(2 * 2 * 307, abs=150), "whoever comes when nothing has room is not drawn"


def test_branches_and_the_budget_bound_the_explored_too(options: pd.DataFrame) -> None:
    customers = pd.DataFrame({"customer_id": IDS, "branch_id": [f"B{n % 3}" for n in range(len(IDS))]})
    have = Resources(weeks=2, branch_channels=["call"], branch_capacity=2, budget=50)
    rows = explore(options, STRIPS, "x", have, customers)
    made = rows[rows["arm"].ne("control")].merge(customers, on="customer_id")
    assert made["cost"].sum() == pytest.approx(50, abs=0.1)
    calls = made[made["channel"].eq("call")]
    assert 0 < calls.groupby(["branch_id", "week"]).size().max() <= 2


def test_only_drawn_offers_are_for_off_policy_estimates(options: pd.DataFrame) -> None:
    assigned = pd.DataFrame({"campaign_id": "P1", "customer_id": IDS.head(100), "offer": "a", "channel": "call"})
    decided = control_groups(assigned, Power(), "x")
    both = pd.concat([explore(options, STRIPS, "x"), decided])
    assert set(random_rows(both)["strip"]) == {"exploration"}
    with pytest.raises(DataError, match="no propensity between 0 and 1"):
        random_rows(both.assign(propensity=1.0))
