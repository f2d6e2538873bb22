"""Patterns of contact: planted groups are found, chance is not called a group, and identities last."""

import numpy as np
import pandas as pd
import pytest

from afraz.models.support.patterns import SILENT, fit_patterns, migration, pattern_profile

SETTINGS = {"clusters": (2, 3), "bootstrap": 3, "nulls": 3, "sample_rows": 1_000, "starts": 2, "min_stability": 0.8}


def customers(n: int, seed: int, *, groups: bool) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    digital = (np.arange(n) % 2 == 0) & groups
    contacts = rng.poisson(np.where(digital, 9, 3)) + 1
    chat = rng.binomial(contacts, np.where(digital, 0.9, 0.2 if groups else 0.5))
    app = rng.binomial(contacts, np.where(digital, 0.9, 0.2 if groups else 0.5))
    return pd.DataFrame({
        "customer_id": [f"c{i:04d}" for i in range(n)], "as_of": pd.Timestamp("2026-01-01"),
        "contacts_year": contacts.astype(float), "unresolved_365d": 0.0, "digital_share_90d": rng.random(n),
        "topic:app": app, "topic:account": contacts - app, "channel:chat": chat, "channel:phone": contacts - chat,
        "digital": digital, "contacts": contacts,
    })  # fmt: skip


@pytest.fixture(scope="module")
def planted() -> pd.DataFrame:
    return customers(1_200, 1, groups=True)


def test_two_planted_groups_are_found_and_silent_customers_stand_apart(planted: pd.DataFrame) -> None:
    silent = planted.head(60).assign(contacts_year=0.0, customer_id=[f"s{i}" for i in range(60)])
    found = fit_patterns(planted, SETTINGS)
    assert found.model is not None
    assigned = found.assign(planted)
    assert SILENT not in set(assigned)
    main = assigned.groupby(planted["digital"]).agg(lambda s: s.value_counts().index[0])
    assert main[True] != main[False]
    assert (assigned == planted["digital"].map(main)).mean() > 0.9
    assert set(found.assign(silent)) == {SILENT}
    told = pattern_profile(planted.assign(pattern=assigned), found.names).set_index("pattern")
    assert told.loc[main[True], "main_channel"] == "chat"
    assert told["share_of_contacts"].sum() == pytest.approx(1)


def test_too_few_in_contact_are_grouped_by_rules(planted: pd.DataFrame) -> None:
    rows = planted.head(100).assign(contacts_year=[0.0] * 20 + [1.0] * 40 + [9.0] * 40)
    rows["unresolved_365d"] = [0.0] * 50 + [1.0] * 50
    found = fit_patterns(rows, SETTINGS)
    assert found.model is None
    assert "80 customers were in contact, 400 are needed" in found.reason
    assert found.assign(rows).value_counts().to_dict() == {
        SILENT: 20, "occasional": 30, "unsettled": 10, "frequent": 40,
    }  # fmt: skip


def test_who_moves_between_dates_adds_up(planted: pd.DataFrame) -> None:
    first = pd.DataFrame({"customer_id": ["a", "b", "c", "d"], "as_of": pd.Timestamp("2026-01-01"),
                          "pattern": ["silent", "silent", "frequent", "frequent"]})  # fmt: skip
    second = first.assign(as_of=pd.Timestamp("2026-04-01"), pattern=["frequent", "silent", "frequent", "silent"])
    found = migration(pd.concat([first, second.head(3)]), {"silent": "no contact"})
    flow = found["pattern_flows"].set_index("segment")
    assert flow.loc["frequent", ["size", "entered", "left", "gone"]].tolist() == [2, 1, 0, 1]
    moves = found["pattern_moves"].set_index("from")
    assert moves.loc["silent", "frequent"] == 1
    assert moves.loc["frequent", "(gone)"] == 1
    assert migration(first, {}) == {}
