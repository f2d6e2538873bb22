"""Casts of ingest: exact where possible, missing where not."""

from datetime import date
from decimal import Decimal
from typing import Any

import ibis
import pandas as pd
import pytest

from afraz.data.casting import as_type, tidy
from afraz.data.schemas import DataType


def cast(value: Any, arrives_as: str, logical: DataType) -> Any:
    found = as_type(tidy(ibis.literal(value, type=arrives_as)), logical).execute()
    return None if found is None or found is pd.NaT or (isinstance(found, float) and pd.isna(found)) else found


@pytest.mark.parametrize(
    ("value", "arrives_as", "logical", "expected"),
    [
        (" a ", "string", "string", "a"),
        ("  ", "string", "string", None),
        (7, "int64", "string", "7"),
        (7.0, "float64", "string", "7"),
        (7.5, "float64", "string", "7.5"),
        ("12.345", "string", "money", Decimal("12.35")),
        ("1e3", "string", "money", Decimal(1000)),
        ("12 EUR", "string", "money", None),
        ("nan", "string", "money", None),
        (float("inf"), "float64", "money", None),
        (0.1, "float64", "money", Decimal("0.10")),
        ("3", "string", "integer", 3),
        ("3.0", "string", "integer", 3),
        ("3.7", "string", "integer", None),
        (3.7, "float64", "integer", None),
        ("x", "string", "float", None),
        ("2.5", "string", "float", 2.5),
        ("inf", "string", "float", None),
        ("2024-02-29", "string", "date", date(2024, 2, 29)),
        ("2024-02-30", "string", "date", None),
        ("20240229", "string", "date", None),
        (20240229, "int64", "timestamp", None),
        ("2024-02-29 10:00:00", "string", "timestamp", pd.Timestamp("2024-02-29 10:00")),
        ("2024-02-29T10:00:00Z", "string", "timestamp", pd.Timestamp("2024-02-29 10:00")),
        ("2024-02-29 10:00:00+02", "string", "timestamp", pd.Timestamp("2024-02-29 08:00")),
        ("2024-02-29 10:00:00.5+05:30", "string", "timestamp", pd.Timestamp("2024-02-29 04:30:00.5")),
        ("2024-02-29 10:00-0500", "string", "timestamp", pd.Timestamp("2024-02-29 15:00")),
        ("2024-02-29 10:00 +05:00", "string", "timestamp", None),
        ("2024-07-01 02:00:00 Europe/Prague", "string", "timestamp", pd.Timestamp("2024-07-01")),
        ("Yes", "string", "boolean", True),
        ("0", "string", "boolean", False),
        (1.0, "float64", "boolean", True),
        ("maybe", "string", "boolean", None),
    ],
)
def test_values_become_canonical_or_missing(value: Any, arrives_as: str, logical: DataType, expected: Any) -> None:
    found = cast(value, arrives_as, logical)
    if isinstance(expected, date) and not isinstance(expected, pd.Timestamp):
        found = pd.Timestamp(found).date()
    assert found == expected


def test_a_moment_with_zone_is_moved_to_utc() -> None:
    moment = pd.Timestamp("2024-07-01 02:00", tz="Europe/Prague")
    found = as_type(ibis.literal(moment.to_pydatetime(), type="timestamp('Europe/Prague')"), "timestamp").execute()
    assert found == pd.Timestamp("2024-07-01 00:00")


def test_a_blank_text_is_nothing() -> None:
    assert tidy(ibis.literal(" \t ")).isnull().execute()
    assert tidy(ibis.literal("\u00a0x\n")).execute() == "\u00a0x"
    assert tidy(ibis.literal(0)).execute() == 0
