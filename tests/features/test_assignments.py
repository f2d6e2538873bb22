"""Assignments: one row for everybody drawn, how each campaign was drawn, and features that know nothing of it yet."""

import hashlib
from datetime import date

import ibis
import pytest

from afraz.errors import DataError, NotApplicable
from afraz.features.assignments import (
    assignments,
    audited,
    build_assignments,
    campaign_kinds,
    days_drawn,
    drawn,
    with_kinds,
)  # fmt: skip
from afraz.features.audit import leak_audit
from afraz.features.response_labels import response_labels

PEOPLE = [f"c{i:02d}" for i in range(20)]


def _campaign(name: str, offer: str = "bonus") -> dict:
    return {"campaign_id": name, "offer": offer, "channel": "email", "starts_at": "2024-03-01"}


def _drawn(campaign: str, customer: str, arm: str, day: str = "2024-03-31", propensity=0.5, **more) -> dict:
    return {"campaign_id": campaign, "customer_id": customer, "assigned_at": f"{day}T09:00:00", "arm": arm,
            "propensity": propensity, **more}  # fmt: skip


@pytest.fixture
def offered(bank, make_on):
    """Twenty customers in two campaigns two months apart; every other one is treated and responds after the second."""
    treatments = [
        _drawn(campaign, p, ("control", "bonus")[i % 2], day, delivered_at=f"{day}T12:00:00" if i % 2 else None,
               responded_at="2024-06-05T10:00:00" if i % 2 else None, response_value=5 if i % 2 else None)
        for i, p in enumerate(PEOPLE) for campaign, day in (("P1", "2024-03-31"), ("P2", "2024-05-31"))
    ]  # fmt: skip
    rows = [r for p in PEOPLE for r in make_on(p, "2024-01-05", "2024-06-01")]
    return bank(rows, treatments=treatments, campaigns=[_campaign("P1"), _campaign("P2")])


def test_everybody_drawn_has_one_row_at_the_day_of_the_assignment(offered):
    rows = build_assignments(offered, ["campaigns"]).to_pandas()
    assert len(rows) == 40
    assert set(rows["as_of"].astype(str)) == {"2024-03-31", "2024-05-31"}
    assert rows.columns[:7].tolist() == ["campaign_id", "customer_id", "as_of", "arm", "offer", "channel", "propensity"]
    assert set(rows.groupby("campaign_id")["offers_so_far"].max()) == {0, 1}, "the assignment itself does not count"


def test_a_later_response_changes_no_feature(offered):
    def built(tables):
        families = ["campaigns", "attitude"]
        return (
            build_assignments(tables, families)
            .to_pandas()
            .sort_values(["campaign_id", "customer_id"], ignore_index=True)
        )

    given = offered["treatments"]
    silent = given.mutate(responded_at=ibis.null("timestamp"), response_value=ibis.null("decimal(18, 2)"))
    assert built({**offered, "treatments": silent}).equals(built(offered))
    moment = given.assigned_at + ibis.interval(days=40)
    earlier = given.mutate(responded_at=ibis.ifelse(given.campaign_id == "P1", moment, given.responded_at))
    assert not built({**offered, "treatments": earlier}).equals(built(offered)), "one before the second day does"


def test_the_audit_passes_what_was_known_and_names_what_was_not(offered):
    days, sample = [date(2024, 3, 31), date(2024, 5, 31)], {"sample": 20}
    honest = audited(days_drawn(offered), ["campaigns", "attitude", "lifecycle"])
    report = leak_audit(offered, days, honest, **sample)
    assert report.passed
    assert all(report.ahead.values())

    def leaking(tables, as_of):
        own = tables["treatments"].filter(tables["treatments"].campaign_id == "P2")
        later = own.select("customer_id", own_arm=(own.arm != "control").cast("float64"))
        return honest(tables, as_of).left_join(later, "customer_id").drop("customer_id_right")

    assert {f["feature"] for f in leak_audit(offered, days, leaking, **sample).findings} == {"own_arm"}


def test_the_audit_passes_a_random_bank_in_which_many_records_are_late(random_bank):
    families = ["campaigns", "attitude", "support", "lifecycle"]
    who = days_drawn(random_bank)
    assert len(who) == 160
    report = leak_audit(random_bank, who["as_of"].unique().to_pylist(), audited(who, families), sample=40)
    assert report.passed, report.table()
    assert all(report.ahead.values())


def test_features_and_outcomes_have_the_same_bytes_with_one_thread_and_with_two(random_folder, tmp_path):
    digests = set()
    for threads in (1, 2):
        backend = ibis.duckdb.connect(threads=threads)
        tables = {p.stem: backend.read_parquet(p) for p in sorted(random_folder.glob("*.parquet"))}
        rows = build_assignments(tables, ["campaigns", "value"])
        rows = rows.join(response_labels(tables, observed_until=date(2024, 12, 1)), ["campaign_id", "customer_id"])
        place = tmp_path / f"{threads}.parquet"
        rows.to_pandas().sort_values(["campaign_id", "customer_id"]).to_parquet(place, index=False)
        digests.add(hashlib.sha256(place.read_bytes()).hexdigest())
    assert len(digests) == 1


def test_kinds_of_campaigns_are_told_by_how_they_were_drawn(bank, make_on):
    arms = {
        "lot": [("control", 0.5), ("bonus", 0.5)], "uneven lot": [("control", 0.2), ("bonus", 0.8), ("bonus", 0.8)],
        "chosen": [("control", 0.5), ("bonus", 0.3), ("bonus", 0.7)], "unknown": [("control", 0.5), ("bonus", None)],
        "all": [("bonus", 1.0), ("bonus", 1.0)], "nobody": [("control", 1.0)], "nothing": [("control", 0.5)],
        "call": [("control", 0.5), ("help", 0.5)],
    }  # fmt: skip
    offers = {"nothing": "placebo", "call": "help"}
    tables = bank(
        [r for p in PEOPLE for r in make_on(p, "2024-01-05")],
        treatments=[_drawn(c, PEOPLE[i], arm, propensity=p) for c in arms for i, (arm, p) in enumerate(arms[c])],
        campaigns=[_campaign(c, offers.get(c, "bonus")) for c in [*arms, "unused"]],
    )
    kinds = campaign_kinds(tables, placebo_offers=["placebo"], service_offers=["help"])
    assert kinds.to_pandas().set_index("campaign_id")["kind"].to_dict() == {
        "lot": "randomised", "uneven lot": "randomised", "chosen": "targeted", "unknown": "undocumented",
        "all": "uncontrolled", "nobody": "uncontrolled", "nothing": "placebo", "call": "service",
    }  # fmt: skip
    rows = with_kinds(build_assignments(tables, ["campaigns"]), kinds).to_pandas()
    assert rows.columns[5:8].tolist() == ["channel", "kind", "propensity"]
    assert len(rows) == tables["treatments"].count().execute()


def test_only_those_ever_drawn_are_looked_at(offered, make_on):
    people = ibis.union(offered["customers"], offered["customers"].limit(1).mutate(customer_id=ibis.literal("zz")))
    assert drawn({**offered, "customers": people})["customers"].customer_id.max().execute() == PEOPLE[-1]


def test_assignments_of_unknown_customers_do_not_come_in(offered):
    people = offered["customers"].filter(offered["customers"].customer_id != PEOPLE[0])
    assert set(assignments({**offered, "customers": people}).to_pandas()["customer_id"]) == set(PEOPLE[1:])


def test_without_campaigns_it_is_said_what_is_missing(bank, make_on):
    tables = bank(make_on("a", "2024-01-01"))
    with pytest.raises(NotApplicable, match="no table of treatments"):
        drawn(tables)
    with pytest.raises(NotApplicable, match="no table of campaigns"):
        drawn(bank(make_on("a", "2024-01-01"), treatments=[_drawn("P1", "a", "control")]))
    with pytest.raises(NotApplicable, match="nobody was ever assigned"):
        drawn(bank(make_on("a", "2024-01-01"), treatments=[], campaigns=[_campaign("P1")]))
    with pytest.raises(DataError, match="need the table treatments"):
        assignments(tables)
