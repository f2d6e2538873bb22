"""Tests of writing columns and files."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from afraz.data.simulator.columns import Files, ids, labels, pick_days


def test_identifiers_keep_their_width_beyond_the_millions():
    assert ids("T", np.array([0, 123_456_789_012]), 12).to_pylist() == ["T000000000000", "T123456789012"]


def test_dictionary_columns_arrive_as_plain_text(tmp_path):
    files = Files(tmp_path)
    files.write("t", pa.table({"kind": labels(np.array([0, 1, -1]), ("fee", "salary"))}))
    files.write("t", pa.table({"kind": labels(np.array([0]), ("interest",))}))
    files.close()
    table = pq.read_table(tmp_path / "t.parquet")
    assert pa.types.is_string(table.schema.field("kind").type)
    assert table["kind"].to_pylist() == ["fee", "salary", None, "interest"]
    assert files.rows == {"t": 4}


def test_days_are_drawn_by_weight_within_their_window():
    weights = np.concatenate([[0], np.cumsum([1, 1, 3, 1, 1.0])])
    n = 30_000
    days = pick_days(np.random.default_rng(0), weights, np.ones(n, int), np.full(n, 4))
    assert np.allclose(np.bincount(days, minlength=5) / n, [0, 0.2, 0.6, 0.2, 0], atol=0.02)
