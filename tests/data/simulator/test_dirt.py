"""Tests of planted bad rows: every listed row breaks its rule, and the good rows break none."""

import duckdb
import pyarrow as pa
import pytest

from afraz.data.simulator.dirt import RULES, Dirt
from afraz.data.simulator.economy import stream

FAULT = {
    "orphan_customer": "customer_id not in (select customer_id from customers)",
    "orphan_account": "account_id not in (select account_id from accounts)",
    "orphan_region": "region_id not in (select region_id from regions)",
    "orphan_loan": "loan_id not in (select loan_id from loans)",
    "born_after_joining": "birth_date > joined_at",
    "closed_before_opened": "closed_at < opened_at",
}
TIME = {
    "customers": "joined_at",
    "accounts": "opened_at",
    "transactions": "booked_at",
    "contacts": "started_at",
    "loans": "applied_at",
    "loan_months": "month_end",
    "recoveries": "received_at",
    "surveys": "answered_at",
}
NUMBER = {"accounts": "credit_limit", "transactions": "amount", "contacts": "duration_seconds", "loans": "amount"}
TEXT = {"customers": "occupation", "transactions": "category", "contacts": "topic", "loans": "purpose",
        "surveys": "wants"}  # fmt: skip
KEY = {"customers": "customer_id", "accounts": "account_id", "transactions": "transaction_id",
       "contacts": "contact_id", "loans": "loan_id", "surveys": "survey_id",
       "loan_months": "loan_id || '|' || strftime(month_end, '%Y-%m-%d %H:%M:%S.%f')",
       "recoveries": "loan_id || '|' || strftime(received_at, '%Y-%m-%d %H:%M:%S.%f')",
       "treatments": "campaign_id || '|' || customer_id"}  # fmt: skip


def fault(table: str, rule: str) -> str:
    if rule == "future_event":
        return f"{TIME[table]} >= timestamp '2026-07-01'"
    if rule == "non_finite_amount":
        return f"not isfinite({NUMBER[table]})"
    if rule == "absurd_amount":
        return f"isfinite({NUMBER[table]}) and abs({NUMBER[table]}) > 1e12"
    if rule == "wrong_encoding":
        return f"regexp_matches({TEXT[table]}, '[\\x07\u00c3\ufffd]')"
    if rule == "duplicate_key":
        return f"{KEY[table]} in (select {KEY[table]} from {table} group by 1 having count(*) > 1)"
    return FAULT[rule]


@pytest.mark.parametrize(("table", "rule"), [(t, r) for t, rules in RULES.items() for r in rules])
def test_the_planted_rows_and_no_others_break_the_rule(dirty_bank: duckdb.DuckDBPyConnection, table: str, rule: str):
    listed = f"(select key from truth_dirt where \"table\" = '{table}' and rule = '{rule}')"
    condition = fault(table, rule)
    innocent, guilty = dirty_bank.execute(f"""
        select count(*) filter (not listed and broken), count(*) filter (listed and not broken)
        from (select coalesce({condition}, false) as broken, {KEY[table]} in {listed} as listed from {table})
    """).fetchone()
    assert (innocent, guilty) == (0, 0)


def test_keys_of_bad_rows_are_fresh_unless_the_rule_is_about_keys(dirty_bank: duckdb.DuckDBPyConnection):
    again = dirty_bank.execute("""
        select count(*) - count(distinct transaction_id) - (
            select count(*) from truth_dirt where "table" = 'transactions' and rule = 'duplicate_key') from transactions
    """).fetchone()[0]
    assert again == 0


def test_a_share_of_none_plants_nothing():
    table = pa.table({"survey_id": ["S1"] * 1000, "customer_id": ["C1"] * 1000})
    bad, notes = Dirt(share=0.0).spoil(stream(1, 0, "d"), "surveys", table)
    assert bad.num_rows == notes.num_rows == 0
