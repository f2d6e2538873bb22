"""Row rules: the planted fault is named, the innocent neighbour passes."""

from datetime import date
from typing import Any

import ibis
import pytest

from afraz.data.quality import Limits, cast_rows, first_broken
from afraz.data.schemas import TABLES
from afraz.data.validation import schema, validate
from afraz.errors import DataError

LIMITS = Limits(date(2024, 7, 1), date(2024, 10, 1), 1e9)
SOUND: dict[str, dict[str, Any]] = {
    "customers": {"customer_id": "C1", "birth_date": "1980-01-01", "joined_at": "2020-01-01", "gender": "female",
                  "marketing_consent": "yes"},
    "accounts": {"account_id": "A1", "customer_id": "C1", "product": "current", "opened_at": "2020-01-01",
                 "closed_at": "2024-01-01", "credit_limit": "100"},
    "transactions": {"transaction_id": "T1", "customer_id": "C1", "account_id": "A1",
                     "booked_at": "2024-06-30 23:59:59",
                     "amount": "-12.50", "margin": "", "kind": "purchase", "channel": "pos", "category": "food",
                     "known_at": "2024-07-02"},
    "loans": {"loan_id": "L1", "customer_id": "C1", "applied_at": "2023-01-01 15:00", "amount": "1000",
              "term_months": "12", "decision": "granted", "granted_at": "2023-01-01"},
    "contacts": {"contact_id": "K1", "customer_id": "C1", "started_at": "2024-01-01", "direction": "inbound",
                 "satisfaction": "5", "resolved": "false", "wait_seconds": "3.5"},
    "treatments": {"campaign_id": "P1", "customer_id": "C1", "assigned_at": "2024-01-01", "propensity": "0.5",
                   "responded_at": "2024-01-09", "response_value": "1"},
    "surveys": {"survey_id": "S1", "customer_id": "C1", "answered_at": "2024-01-01", "nps": "10"},
}  # fmt: skip
KNOWN = {"customer_id": ["C1"], "account_id": ["A1"], "campaign_id": ["P1"], "loan_id": ["L1"]}


def rule(table: str, **change: Any) -> str | None:
    """The rule that a sound row with a change breaks; a sound neighbour in the same table must pass."""
    sound = SOUND[table]
    changed = sound | change
    rows = [{"source_line": 1, **{k: str(v) for k, v in sound.items()}}, {"source_line": 2, **changed}]
    types = {"source_line": "int64"} | dict.fromkeys(changed, "string")
    frame = ibis.memtable(rows, schema=types)
    references = {
        c.name: ibis.memtable({"key": KNOWN[c.name]})["key"]
        for c in TABLES[table].columns
        if c.references and c.name in KNOWN and c.name in changed
    }
    cast = cast_rows(frame, TABLES[table])
    found = cast.select("source_line", rule=first_broken(cast, TABLES[table], LIMITS, references)).execute()
    by_line = found.set_index("source_line")["rule"]
    assert by_line.isna()[1], f"the sound neighbour broke {by_line[1]}"
    return None if by_line.isna()[2] else str(by_line[2])


@pytest.mark.parametrize("table", SOUND)
def test_a_sound_row_breaks_no_rule(table: str) -> None:
    assert rule(table) is None


@pytest.mark.parametrize(
    ("table", "change", "expected"),
    [
        ("customers", {"customer_id": " "}, "customer_id_missing"),
        ("customers", {"customer_id": None}, "customer_id_missing"),
        ("customers", {"birth_date": "1980-13-01"}, "birth_date_not_a_date"),
        ("customers", {"birth_date": "1890-01-01"}, "birth_date_implausible"),
        ("customers", {"birth_date": "2024-07-01", "joined_at": None}, "birth_date_implausible"),
        ("customers", {"birth_date": "2020-01-02"}, "born_after_joining"),
        ("customers", {"joined_at": "2024-10-01"}, "joined_at_in_the_future"),
        ("customers", {"joined_at": "2024-09-30"}, "joined_at_outside_period"),
        ("customers", {"joined_at": "1010-01-01", "birth_date": None}, "joined_at_implausible"),
        ("customers", {"gender": "fe\ufffdmale"}, "gender_bad_characters"),
        ("customers", {"gender": "fe\x01male"}, "gender_bad_characters"),
        ("customers", {"occupation": "café".encode().decode("latin-1")}, "occupation_bad_characters"),
        ("customers", {"occupation": "průměr".encode().decode("cp1252")}, "occupation_bad_characters"),
        ("customers", {"marketing_consent": "perhaps"}, "marketing_consent_not_a_boolean"),
        ("accounts", {"closed_at": "2019-12-31"}, "closed_before_opened"),
        ("accounts", {"customer_id": "C9"}, "customer_id_unknown"),
        ("accounts", {"product": "Current"}, "product_unknown_code"),
        ("accounts", {"credit_limit": "1e10"}, "credit_limit_absurd"),
        ("transactions", {"amount": "12,50"}, "amount_not_a_number"),
        ("transactions", {"amount": "twelve"}, "amount_not_a_number"),
        ("transactions", {"amount": ""}, "amount_missing"),
        ("transactions", {"amount": "inf"}, "amount_not_finite"),
        ("transactions", {"amount": "NaN"}, "amount_not_finite"),
        ("transactions", {"amount": "-1000000000.01"}, "amount_absurd"),
        ("transactions", {"amount": "1e300"}, "amount_absurd"),
        ("transactions", {"margin": "?"}, "margin_not_a_number"),
        ("transactions", {"booked_at": "yesterday"}, "booked_at_not_a_date"),
        ("transactions", {"booked_at": "2024-10-01", "known_at": None}, "booked_at_in_the_future"),
        ("transactions", {"booked_at": "2024-07-01", "known_at": None}, "booked_at_outside_period"),
        ("transactions", {"known_at": "2024-06-30 12:00"}, "known_before_event"),
        ("transactions", {"known_at": "2024-06-29"}, "known_before_event"),
        ("transactions", {"account_id": "A9"}, "account_id_unknown"),
        ("transactions", {"customer_id": "C9", "account_id": "A9"}, "customer_id_unknown"),
        ("transactions", {"kind": "gift"}, "kind_unknown_code"),
        ("loans", {"granted_at": "2022-12-31"}, "granted_before_applied"),
        ("loans", {"term_months": "12.5"}, "term_months_not_a_whole_number"),
        ("loans", {"term_months": "0"}, "term_months_out_of_range"),
        ("contacts", {"satisfaction": "6"}, "satisfaction_out_of_range"),
        ("contacts", {"wait_seconds": "-1"}, "wait_seconds_out_of_range"),
        ("treatments", {"propensity": "1.5"}, "propensity_out_of_range"),
        ("treatments", {"responded_at": "2023-12-31"}, "responded_before_assigned"),
        ("treatments", {"campaign_id": "P9"}, "campaign_id_unknown"),
        ("treatments", {"customer_id": "C9"}, "customer_id_unknown"),
        ("surveys", {"nps": "11"}, "nps_out_of_range"),
    ],
)
def test_a_planted_fault_is_named(table: str, change: dict[str, Any], expected: str) -> None:
    assert rule(table, **change) == expected


@pytest.mark.parametrize(
    ("table", "change"),
    [
        ("transactions", {"known_at": "2024-06-30"}),  # a date without time, of the day of the event
        ("transactions", {"account_id": ""}),
        ("transactions", {"amount": "1000000000"}),
        ("accounts", {"closed_at": "2030-01-01"}),
        ("customers", {"birth_date": "", "joined_at": ""}),
        ("customers", {"occupation": "kůň\třidič"}),
        ("customers", {"occupation": "Ångström, ÄRZTE «déjà» 20 °C, مهندس"}),
    ],
)
def test_what_is_tolerated_on_purpose(table: str, change: dict[str, Any]) -> None:
    assert rule(table, **change) is None


def test_the_first_broken_rule_names_the_reject() -> None:
    assert rule("transactions", amount="twelve", customer_id="C9", booked_at="2030-01-01") == "amount_not_a_number"


@pytest.mark.parametrize("table", TABLES)
def test_a_cast_table_is_canonical(table: str) -> None:
    filled = {"string": "x", "timestamp": "2024-01-01", "money": "1"}
    required = {c.name: [filled[c.type]] for c in TABLES[table].columns if c.required}
    cast = cast_rows(ibis.memtable({"source_line": [1], **required}), TABLES[table])
    assert validate(cast.select(TABLES[table].names), table).columns == tuple(schema(table).columns)


def test_a_table_of_other_types_is_refused() -> None:
    frame = ibis.memtable({"source_line": [1]})
    cast = cast_rows(frame, TABLES["recoveries"]).drop("source_line")
    with pytest.raises(DataError, match="recoveries is not canonical: expected column 'amount' to have type"):
        validate(cast.mutate(loan_id=ibis.literal("L1"), received_at=ibis.literal("2024-01-01").cast("timestamp(6)"),
                             amount=ibis.literal(1.0)), "recoveries")  # fmt: skip
    with pytest.raises(DataError, match="non-nullable column 'loan_id' contains null"):
        validate(cast, "recoveries")
