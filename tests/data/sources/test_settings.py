"""Settings of sources: strict, and checked before anything is read."""

from typing import Any

import pytest

from afraz.data.sources.settings import parse
from afraz.errors import ParamsError

FILES = {"kind": "files", "tables": {"transactions": {"path": "t.csv"}}}


def test_sound_settings_are_accepted_with_their_defaults() -> None:
    parsed = parse(FILES)
    assert (parsed.label, parsed.prefix, parsed.covers_until) == ("files", "", None)


def test_codes_that_yaml_reads_as_numbers_or_booleans_become_text() -> None:
    tables = {"transactions": {"path": "t.csv", "codes": {"kind": {7: "purchase", True: "fee"}}}}
    codes = parse({"kind": "files", "tables": tables}).tables["transactions"].codes  # type: ignore[attr-defined]
    assert codes == {"kind": {"7": "purchase", "true": "fee"}}


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"kind": "oracle"}, "a source's kind is one of berka, demo, files, sql; arrived 'oracle'"),
        ({}, "a source's kind is one of"),
        ({"kind": "demo"}, "source demo: setting path is missing"),
        ({"kind": "demo", "path": 3}, "setting path: .*valid string.*; arrived 3"),
        ({**FILES, "derive_customer": True}, r"unknown setting 'derive_customer': did you mean derive_customers\?"),
        (
            {"kind": "files", "tables": {"transaction": {"path": "x"}}},
            r"no canonical table 'transaction': did you mean",
        ),
        (
            {"kind": "files", "tables": {"transactions": {"path": "x", "columns": {"ammount": "a"}}}},
            r"transactions.columns names 'ammount'.*did you mean amount\?",
        ),
        (
            {"kind": "files", "tables": {"transactions": {"path": "x", "sign": {"colum": "a"}}}},
            r"unknown setting 'colum' in tables.transactions.sign: did you mean column\?",
        ),
        (
            {
                "kind": "files",
                "tables": {"surveys": {"path": "x", "columns": {"nps": "a"}, "constants": {"nps": 1}}},
            },
            "surveys.nps stands in both columns and constants",
        ),
        ({"kind": "sql", "url_env": "X", "tables": {"customers": {}}}, "customers needs either `table` or `query`"),
        (
            {"kind": "sql", "url_env": "X", "tables": {"customers": {"table": "c", "query": "select 1"}}},
            "customers needs either `table` or `query`",
        ),
        ({"kind": "sql", "url": "postgresql://u:p@h/d"}, r"unknown setting 'url': did you mean url_env\?"),
    ],
)
def test_unsound_settings_are_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ParamsError, match=message):
        parse(settings)
