"""Flows between segments add up."""

import itertools

import numpy as np
import pandas as pd
import pytest

from afraz.errors import DataError, NotApplicable
from afraz.models.segmentation.flows import flows, migration_matrix

from .conftest import DATES


def test_sizes_add_up_from_month_to_month(assigned):
    table = flows(assigned, "value").set_index(["as_of", "segment"])
    size = assigned.groupby(["as_of", "value"]).size()
    for earlier, later in itertools.pairwise(DATES):
        for segment in ("high", "low"):
            row = table.loc[(later, segment)]
            assert row["size"] == size[(later, segment)]
            assert row["size"] == size[(earlier, segment)] + row["net"]
            assert row["gone"] >= 0
    assert np.allclose(table.groupby("as_of")["share"].sum(), 1)


def test_a_matrix_counts_every_customer_once(assigned):
    one, two = (assigned[assigned["as_of"] == d].set_index("customer_id")["value"] for d in DATES[:2])
    matrix = migration_matrix(one, two)
    assert matrix.to_numpy().sum() == len(one.index.union(two.index))
    assert matrix.loc["(joined)"].sum() == len(two.index.difference(one.index))
    assert matrix["(gone)"].sum() == len(one.index.difference(two.index))


def test_a_segment_of_one_month_only_has_size_zero_elsewhere(assigned):
    odd = assigned.copy()
    odd.loc[(odd["as_of"] == DATES[4]) & (odd["customer_id"] < 50), "value"] = "odd"
    table = flows(odd, "value").set_index(["segment", "as_of"]).loc["odd"]
    assert table.loc[DATES[4], "size"] > 0
    assert table.drop(DATES[4])["size"].eq(0).all()
    assert table.loc[DATES[5], "left"] + table.loc[DATES[5], "gone"] == table.loc[DATES[4], "size"]


def test_one_month_and_doubled_customers_are_refused(assigned):
    with pytest.raises(NotApplicable, match="at least two dates"):
        flows(assigned[assigned["as_of"] == DATES[0]], "value")
    with pytest.raises(DataError, match="repeat a customer"):
        flows(pd.concat([assigned, assigned.head(3)]), "value")
