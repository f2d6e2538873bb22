"""The dictionary has a complete row for every feature and nothing else."""

import re

import pytest

from afraz.features import applications
from afraz.features.dictionary import DICTIONARY, STATED, dictionary_frame
from afraz.features.table import FAMILIES, build_features, not_applicable

OWN = {f.name for f in applications.FEATURES}


@pytest.fixture
def schema(random_bank, random_dates):
    return build_features(random_bank, random_dates, families=list(FAMILIES)).schema()


def test_every_feature_of_the_table_has_a_row(random_bank, schema):
    absent = set(not_applicable(random_bank, list(FAMILIES)))  # this bank has no loans
    assert all("loan" in reason for reason in not_applicable(random_bank, list(FAMILIES)).values())
    assert set(schema) - {"customer_id", "as_of"} == set(DICTIONARY) - OWN - absent


@pytest.mark.parametrize("feature", DICTIONARY.values(), ids=lambda f: f.name)
def test_every_row_is_complete_and_speaks_plainly(feature):
    for text in (feature.meaning, feature.unit, feature.window, feature.low, feature.high):
        assert text.strip()
    assert feature.family in {*FAMILIES, applications.FAMILY}
    assert feature.sign in (-1, 0, 1)
    if feature.type == "double":
        assert feature.low != feature.high
    assert not feature.low[0].isupper()
    assert not feature.high.endswith(".")
    assert not re.search(r"\ba [aeio]", f"{feature.low} {feature.high}"), "an before a vowel"


def test_no_name_occurs_twice():
    assert len(DICTIONARY) == len(OWN) + sum(len(family.features) for family in FAMILIES.values())


def test_the_frame_is_ordered_and_has_one_row_per_feature():
    frame = dictionary_frame()
    assert frame["name"].tolist() == sorted(DICTIONARY)
    assert set(frame["type"]) == {"double", "text"}
    assert frame.set_index("name").loc["contacts_90d", "needs"] == "contacts"


def test_types_in_the_table_are_those_of_the_dictionary(schema):
    for feature in (DICTIONARY[name] for name in schema if name in DICTIONARY):
        assert schema[feature.name].is_string() if feature.type == "text" else schema[feature.name].is_float64()


def test_what_a_campaign_states_has_a_row_only_where_it_is_asked_for() -> None:
    rows = dictionary_frame(STATED).set_index("name")
    assert rows.loc["channel", "meaning"] == "the channel through which the offer is made"
    assert not set(STATED) & set(dictionary_frame()["name"])
