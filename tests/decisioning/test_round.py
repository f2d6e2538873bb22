"""A whole round on a drawn bank: nobody is in two strips, and the known effects come out of what was set apart."""

from pathlib import Path

import ibis
import numpy as np
import pandas as pd
import pytest

from afraz import catalog
from afraz.decisioning.contacts import campaign_ids, contact_list
from afraz.decisioning.desk import desk_table, write_index
from afraz.decisioning.eligibility import Eligibility, all_options, judge
from afraz.decisioning.exploration import explore, random_rows
from afraz.decisioning.feedback.assignments import campaign_facts, screened
from afraz.decisioning.feedback.cuts import Cut
from afraz.decisioning.feedback.effects import look, within_campaigns
from afraz.decisioning.limits import Limits
from afraz.decisioning.power import Power
from afraz.decisioning.strips import control_groups, set_apart
from afraz.features.assignments import campaign_kinds

from .conftest import AS_OF, make_calendar

N = 30_000
KEY = "2026-07-01/7"
EFFECTS = {"good": 0.05, "bad": -0.02, "control": 0.0}


@pytest.fixture(scope="module")
def customers() -> pd.DataFrame:
    rng = np.random.default_rng(11)
    return pd.DataFrame({
        "customer_id": [f"C{i:06d}" for i in range(N)], "marketing_consent": rng.random(N) < 0.8, "branch_id": "B1",
        "region_id": "R1", "propensity_to_respond": rng.uniform(0.02, 0.1, N),
    })  # fmt: skip


def _round(customers: pd.DataFrame) -> tuple[Eligibility, pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Everybody is offered "good", by those who respond anyway first: a chosen list, as an allocation would give."""
    judged = judge(
        all_options(customers["customer_id"], {"good": ["call"], "bad": ["call"]}), customers, AS_OF, Limits()
    )
    strips = set_apart(customers["customer_id"], holdout=0.02, exploration=0.4, round_key=KEY)
    worth = customers.set_index("customer_id")["propensity_to_respond"]
    options = judged.eligible.assign(net_value=judged.eligible["customer_id"].map(worth))
    explored = explore(options, strips, KEY)
    decided = strips.loc[strips["strip"].eq("decided"), "customer_id"]
    best = options[options["customer_id"].isin(decided) & options["offer"].eq("good")].nlargest(9_000, "net_value")
    assigned = best.assign(week=1, campaign_id=campaign_ids(best["offer"], AS_OF))
    rows = control_groups(assigned, Power(base_rate=0.08, smallest_effect=0.02, largest_share=0.5), KEY)
    both = pd.concat([rows, explored], ignore_index=True)
    return judged, strips, *contact_list(both, customers, strips, AS_OF)


def test_everybody_is_in_one_place_and_the_holdout_in_none(customers: pd.DataFrame) -> None:
    judged, strips, contacts, withheld = _round(customers)
    listed = pd.concat([contacts, withheld])
    assert not listed["customer_id"].duplicated().any()
    strip = listed["customer_id"].map(strips.set_index("customer_id")["strip"])
    assert set(strip) == {"decided", "exploration"}
    consent = customers.set_index("customer_id")["marketing_consent"]
    assert listed["customer_id"].map(consent).all()
    desk = desk_table(customers, AS_OF, contacts=contacts, withheld=withheld, strips=strips, judged=judged.options)
    assert desk["next_offer"].notna().sum() == len(contacts)
    assert desk["next_offer"].isna().eq(desk["nothing_because"].notna()).all()


def test_the_known_effects_come_out_of_what_was_set_apart(customers: pd.DataFrame) -> None:
    _, _, contacts, withheld = _round(customers)
    listed = pd.concat([contacts, withheld], ignore_index=True)
    base = listed["customer_id"].map(customers.set_index("customer_id")["propensity_to_respond"])
    rate = base + listed["arm"].map(EFFECTS)
    chosen = listed["strip"].isin(["control", "decided"])  # not the explored, whose control is another
    weight = np.where(listed["arm"].eq("control"), -1, 1) / listed["propensity"]
    assert (rate * weight)[chosen].sum() / chosen.sum() == pytest.approx(EFFECTS["good"], abs=0.002)
    drawn = random_rows(listed)
    for offer in ("good", "bad"):
        given, none = (drawn["arm"].eq(arm) / drawn["chance"] for arm in (offer, "control"))
        effect = np.average(rate[drawn.index], weights=given) - np.average(rate[drawn.index], weights=none)
        assert effect == pytest.approx(EFFECTS[offer], abs=0.002)
    naive = rate[listed["arm"].eq("good")].mean() - rate[drawn.index[drawn["arm"].eq("control")]].mean()
    assert abs(naive - EFFECTS["good"]) > 0.005  # whom the list chose responds anyway: comparing lists deceives


def test_feedback_and_training_read_what_came_back_as_trials_with_the_known_effects(customers: pd.DataFrame) -> None:
    _, _, contacts, withheld = _round(customers)
    listed = pd.concat([contacts, withheld], ignore_index=True)
    base = listed["customer_id"].map(customers.set_index("customer_id")["propensity_to_respond"])
    responded = np.random.default_rng(5).random(len(listed)) < base + listed["arm"].map(EFFECTS)
    day, never = pd.Timestamp(AS_OF), pd.Series(pd.NaT, listed.index, dtype="datetime64[us]")
    treatments = listed[["campaign_id", "customer_id", "arm", "propensity"]].assign(
        assigned_at=day, delivered_at=never.mask(listed["arm"].ne("control"), day), reached_at=never,
        responded_at=never.mask(responded, day + pd.Timedelta(days=3)), response_value=None,
    )  # fmt: skip
    calendar = make_calendar(*sorted(listed["campaign_id"].unique()), starts_at=day, ends_at=day)
    calendar["offer"] = calendar["campaign_id"].str.split("-").str[-1]
    rows, rejects = screened(treatments, calendar)
    facts = campaign_facts(rows, rejects, calendar, day + pd.Timedelta(days=60))
    assert len(rejects) == 0
    assert set(facts["basis"]) == {"by lot"}
    assert facts["no_estimate"].isna().all()
    seen = look(rows, facts, week=1, as_of=day + pd.Timedelta(days=60))
    found = within_campaigns(seen, Cut("campaign", "campaign_id")).query("outcome == 'response'").set_index("part")
    truth = {"2026-07-01-good": 0.05, "2026-07-01-exploration-good": 0.05, "2026-07-01-exploration-bad": -0.02}
    assert ((found["effect"] - pd.Series(truth)).abs() < 3 * found["standard_error"]).all()
    tables = {"customers": customers[["customer_id"]], "treatments": treatments, "campaigns": calendar}
    kinds = campaign_kinds({name: ibis.memtable(table) for name, table in tables.items()}).to_pandas()
    assert kinds.set_index("campaign_id")["kind"].to_dict()["2026-07-01-exploration-bad"] == "randomised"


def test_the_same_round_gives_the_same_bytes(customers: pd.DataFrame, workspace: Path) -> None:
    found = []
    for one in (customers, customers.sample(frac=1, random_state=5)):
        judged, strips, contacts, withheld = _round(one)
        desk = desk_table(one, AS_OF, contacts=contacts, withheld=withheld, strips=strips, judged=judged.options)
        catalog.save("contact_list", contacts)
        catalog.save("withheld", withheld)
        catalog.save("refused", judged.refused)
        catalog.save("strips", strips)
        catalog.save("desk", desk)
        write_index(desk, catalog.target("desk_index"))
        places = ("contact_list", "withheld", "refused", "strips", "desk", "desk_index")
        found.append([catalog.path(name).read_bytes() for name in places])
    assert found[0] == found[1]
