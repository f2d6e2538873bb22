"""The truth about the running book: what each loan that is open at the end of the data may still lose in a year.

Probabilities are integrated forward over the month of default and over the customer's leaving (a loan closes with its
customer); the quarterly factor of months to come stands at its mean.
"""

import numpy as np
import pyarrow as pa

from .columns import NEVER, ids, labels
from .credit import Loans, expected_lgd
from .economy import Economy
from .forecast import BLOCK, State, start, step
from .repayment import balance_after, past_due, payments_made

AHEAD = 12
FIRST, LAST = 3, 11  # months after the application's in which early defaults fall
LATER_FIRST, LATER_LAST, LATER_SHARE = 13, 24, 0.35


def open_loans(loans: Loans, economy: Economy) -> np.ndarray:
    """Positions of granted loans that are neither closed nor in default when the data end."""
    return np.flatnonzero(loans.granted & (loans.closed_at == NEVER) & (loans.default_month < 0))


def default_schedule(probability: np.ndarray, age: np.ndarray, term: np.ndarray, buckets: np.ndarray) -> np.ndarray:
    """Chance of default in each of the next twelve months, given the age and the arrears; shape (n, 12).

    Parameters
    ----------
    probability : ndarray (n,)
        Of default within twelve months of the application, as seen at the application.
    age : ndarray (n,)
        Months since the application's at the start of the first month ahead.
    buckets : ndarray (n,)
        Months in arrears: 1 or 2 mean that the default comes in the second or the first month ahead.

    Examples
    --------
    >>> table = default_schedule(np.array([0.09, 0.09]), np.array([0, 5]), np.array([36, 36]), np.array([0, 2]))
    >>> table[0].round(3).tolist()
    [0.0, 0.0, 0.0, 0.01, 0.01, 0.01, 0.01, 0.01, 0.01, 0.01, 0.01, 0.01]
    >>> table[1].tolist()[:3]
    [1.0, 0.0, 0.0]
    """
    month = age[:, None] + np.arange(AHEAD)  # months since the application's
    early = probability[:, None] / (LAST - FIRST + 1) * ((month >= FIRST) & (month <= LAST))
    later = (1 - probability)[:, None] * LATER_SHARE * probability[:, None] / (LATER_LAST - LATER_FIRST + 1)
    density = np.where((month >= LATER_FIRST) & (month <= LATER_LAST), later, early)
    quiet = np.minimum(age + 2, 10**6)  # without arrears, the default lies at least two months ahead
    passed_early = np.clip(quiet - FIRST, 0, LAST - FIRST + 1) / (LAST - FIRST + 1) * probability
    passed_later = (1 - probability) * LATER_SHARE * probability * (
        np.clip(quiet - LATER_FIRST, 0, LATER_LAST - LATER_FIRST + 1) / (LATER_LAST - LATER_FIRST + 1)
    )  # fmt: skip
    density[:, :2] = 0.0
    table = density / (1 - passed_early - passed_later)[:, None]
    late = buckets > 0
    table[late] = 0.0
    table[np.flatnonzero(late), np.clip(2 - buckets[late], 0, 1)] = 1.0
    return np.asarray(np.where(month < term[:, None], table, 0.0))


def staying(state: State) -> np.ndarray:
    """Probability of still being a customer in the middle of each of the next twelve months; shape (n, 12)."""
    out = np.empty((len(state), AHEAD))
    for first in range(0, len(state), BLOCK):
        part = state.part(slice(first, first + BLOCK))
        share, before = start(part), np.ones(len(part))
        for ahead in range(AHEAD):
            share, _ = step(share, part, ahead)
            after = share.sum(axis=(1, 2))
            out[first : first + BLOCK, ahead] = (before + after) / 2
            before = after
    return out


def book_truth(loans: Loans, who: np.ndarray, state: State, economy: Economy, offset: int) -> pa.Table:
    """Spell the book: balance, true default probability of the next twelve months, loss given default, expected loss.

    Parameters
    ----------
    who, state
        Customers at the end of the data, and their state.
    """
    place = np.full(int(max(who.max(), loans.customer.max(initial=0))) + 1, -1)
    place[who] = np.arange(len(who))
    book = open_loans(loans, economy)
    book = book[place[loans.customer[book]] >= 0]
    last = np.full(len(book), economy.months - 1)
    age = last - loans.month[book]
    buckets = past_due(loans, book, last)
    schedule = default_schedule(loans.probability[book], age + 1, loans.term[book], buckets)
    stays = staying(state)[place[loans.customer[book]]]
    balance = balance_after(loans.amount[book], loans.payment[book], payments_made(loans, book, age))
    probability = (schedule * stays).sum(axis=1)
    lgd = expected_lgd(np.isnan(loans.collateral[book]), np.zeros(len(book)))
    return pa.table({
        "loan_id": labels(book, ids("L", offset + np.arange(len(loans.customer)), 8)),
        "balance": pa.array(np.round(balance, 2)),
        "default_probability": pa.array(probability),
        "lgd": pa.array(lgd),
        "expected_loss": pa.array(probability * lgd * balance),
    })  # fmt: skip
