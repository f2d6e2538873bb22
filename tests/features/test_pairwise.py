"""Features of given pairs are those of the monthly looks, row for row."""

from datetime import date

import ibis
import pandas as pd
import pytest

from afraz.features.table import FAMILIES, build_features


def _keyed(table: ibis.Table) -> pd.DataFrame:
    frame = table.to_pandas()
    frame["as_of"] = pd.to_datetime(frame["as_of"])
    return frame.set_index(["customer_id", "as_of"]).sort_index()


@pytest.mark.parametrize("family", [name for name in FAMILIES if name != "geography"])
def test_a_pair_has_the_features_that_the_customer_has_at_that_date(random_bank, random_dates, family: str):
    everybody = _keyed(build_features(random_bank, random_dates, families=[family]))
    chosen = everybody.iloc[:: max(1, len(everybody) // 60)]
    pairs = ibis.memtable(chosen.index.to_frame(index=False).assign(as_of=lambda f: f["as_of"].dt.date))
    pairs = pairs.mutate(as_of=pairs.as_of.cast("date"))
    found = _keyed(build_features(random_bank, pairs, families=[family]))
    assert len(found) > 30
    pd.testing.assert_frame_equal(found, chosen, check_exact=True)


def test_a_row_known_late_counts_only_from_then_on(bank, make_on):
    tables = bank([*make_on("a", "2024-02-20"), *make_on("a", "2024-02-25", known_at="2024-03-10T00:00:00")])
    pairs = ibis.memtable({"customer_id": ["a", "a"], "as_of": [date(2024, 3, 9), date(2024, 3, 10)]})
    assert _keyed(build_features(tables, pairs, families=["behaviour"]))["initiated_90d"].tolist() == [1, 2]
