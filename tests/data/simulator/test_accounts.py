"""Tests of customers' dates and accounts."""

import numpy as np
import pytest

from afraz.data.simulator.accounts import (
    FOREVER,
    Accounts,
    account_table,
    customer_names,
    customer_table,
    draw_accounts,
)
from afraz.data.simulator.columns import NEVER
from afraz.data.simulator.economy import stream


@pytest.fixture
def accounts(lives) -> Accounts:
    return draw_accounts(stream(5, 0, "accounts"), lives.people, lives.panel, lives.economy, lives.when)


def test_everybody_has_one_current_account_for_the_whole_time(lives, accounts: Accounts):
    current = accounts.product == 0
    assert (np.bincount(accounts.customer[current], minlength=len(lives.people)) == 1).all()
    assert (accounts.opened_at[current] == lives.when.joined_at).all()
    assert (accounts.closed_at[current] == lives.when.closed_at).all()


def test_who_leaves_has_no_account_open_and_none_closes_before_it_opens(lives, accounts: Accounts):
    left = lives.when.closed_at[accounts.customer]
    gone = left != NEVER
    assert (accounts.closed_at[gone] != NEVER).all()
    assert (accounts.closed_at[gone] <= left[gone]).all()
    closed = accounts.closed_at != NEVER
    assert (accounts.closed_at[closed] > accounts.opened_at[closed]).all()


def test_some_leave_and_most_stay(lives):
    assert 0.1 < (lives.when.closed_month < FOREVER).mean() < 0.5


def test_only_cards_have_a_limit(lives, accounts: Accounts):
    table = account_table(accounts, customer_names(len(lives.people), 0), 0).to_pandas()
    assert table.groupby("product", observed=True)["credit_limit"].count().drop("credit_card").sum() == 0
    assert table.loc[table["product"] == "credit_card", "credit_limit"].gt(0).all()


def test_customers_are_born_before_they_join(lives):
    table = customer_table(lives.people, lives.economy, lives.when, 0).to_pandas()
    assert (table["joined_at"].dt.year - table["birth_date"].map(lambda d: d.year) >= 17).all()
    assert table["customer_id"].is_unique
