"""The prediction code of segments: it reads columns as that of scores does, though neither may import the other."""

from decimal import Decimal
from types import ModuleType

import numpy as np
import pandas as pd
import pytest

from afraz.models import pyfunc_model, pyfunc_segments
from afraz.models.pyfunc_segments import Predictor, RefusedTableError

COLUMNS = [
    pd.Series([1, None, 3], dtype="Int64"), pd.Series([True, False]), pd.Series([None, None], dtype=object),
    pd.Series([Decimal("1.5"), None]), pd.Series([1.0, np.inf]), pd.Series(["1,5", "2"], name="balance"),
    pd.Series(pd.to_datetime(["2026-01-01"])), pd.Series([1, "a"], dtype=object), pd.Series([], dtype=float),
]  # fmt: skip


def _read(code: ModuleType, column: pd.Series) -> str:
    try:
        return str(code.numbers(column).tolist())
    except code.RefusedTableError as refused:
        return f"refused: {refused}"


@pytest.mark.parametrize("column", COLUMNS, ids=lambda c: f"{c.dtype} {c.tolist()[:2]}")
def test_the_two_self_contained_files_read_numbers_alike(column: pd.Series) -> None:
    assert _read(pyfunc_segments, column) == _read(pyfunc_model, column)


RULES = {"name": "loyalty", "kind": "rules", "columns": ["days"],
         "segments": [{"id": "lost", "name": "lost", "when": [[{"column": "days", "at_least": 90}]]}]}  # fmt: skip
SPEC = {
    "format": 1, "model": "segmentation", "lenses": [RULES, {"name": "noise", "kind": "none", "reason": "none"}],
    "features": [{"name": "days", "type": "double"}, {"name": "want:loan", "type": "double", "absent": 0}],
}  # fmt: skip


def test_an_item_that_a_table_lacks_was_counted_for_nobody_and_who_fits_nowhere_has_no_segment() -> None:
    found = Predictor(SPEC).predict(pd.DataFrame({"days": [100.0, 10.0]}, index=[4, 9]))
    assert found.index.tolist() == [4, 9]
    assert found["loyalty"].tolist()[0] == "lost"
    assert found["loyalty"].isna().tolist() == [False, True]
    assert found["loyalty_confidence"].isna().tolist() == [False, True]
    assert "noise" not in found


def test_a_missing_or_doubled_column_is_refused_by_name() -> None:
    with pytest.raises(RefusedTableError, match="are missing: days"):
        Predictor(SPEC).predict(pd.DataFrame({"want:loan": [1.0]}))
    doubled = pd.DataFrame([[1.0, 2.0]], columns=["days", "days"])
    with pytest.raises(RefusedTableError, match="'days' appears 2 times"):
        Predictor(SPEC).predict(doubled)
