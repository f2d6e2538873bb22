"""What follows a granted loan: month-end balances and days past due, payments, and recoveries after a default."""

import numpy as np
import pyarrow as pa

from ..schemas import CHANNELS, KINDS
from .columns import DAY, NEVER, epoch, ids, labels, moments
from .credit import RATE, Loans
from .economy import Economy
from .transactions import Bookings

CURE_MONTHS = 4
RECOVERY_DAYS = 540
PAYMENTS = 6


def _active(loans: Loans, economy: Economy) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rows (loan, month) in which a granted loan is open at the month's end, and months since it was granted."""
    end_of_month = epoch(economy.starts[1:])
    g = np.flatnonzero(loans.granted)
    closed = np.where(loans.closed_at == NEVER, 2**62, loans.closed_at)
    open_ = (loans.granted_at[g][:, None] < end_of_month) & (closed[g][:, None] >= end_of_month)
    row, month = np.nonzero(open_)
    return g[row], month, month - loans.month[g[row]]


def balance_after(amount: np.ndarray, payment: np.ndarray, months: np.ndarray) -> np.ndarray:
    """What is owed after so many level payments.

    Examples
    --------
    >>> float(balance_after(np.array([1000.0]), np.array([100.0]), np.array([0]))[0])
    1000.0
    """
    growth = (1 + RATE) ** months
    return np.maximum(amount * growth - payment * (growth - 1) / RATE, 0.0)


def past_due(loans: Loans, loan: np.ndarray, month: np.ndarray) -> np.ndarray:
    """Months in arrears at a month's end: three at the default, none once cured."""
    since = month - loans.coming_month[loan]
    late = np.clip(since + 3, 0, 19)
    cured = loans.cures[loan] & (since >= CURE_MONTHS)
    return np.where((loans.coming_month[loan] < 0) | cured, 0, late)


def payments_made(loans: Loans, loan: np.ndarray, age: np.ndarray) -> np.ndarray:
    """Level payments received by an age in months: those who default stop three months before, cured ones catch up."""
    until = np.where(loans.coming_month[loan] < 0, 10**6, loans.coming_month[loan] - 3 - loans.month[loan])
    return np.maximum(np.where(loans.cures[loan], age, np.minimum(age, until)), 0)


def loan_months(rng: np.random.Generator, loans: Loans, economy: Economy, offset: int) -> pa.Table:
    """Spell the month-end states, ordered by loan and month."""
    loan, month, age = _active(loans, economy)
    late = past_due(loans, loan, month)
    balance = balance_after(loans.amount[loan], loans.payment[loan], payments_made(loans, loan, age))
    sloppy = (late == 0) & (rng.random(len(loan)) < 0.03)
    days = np.where(sloppy, rng.integers(1, 29, len(loan)), np.where(late > 0, late * 30 + 2, 0))
    return pa.table({
        "loan_id": labels(loan, ids("L", offset + np.arange(len(loans.customer)), 8)),
        "month_end": moments(epoch(economy.starts[month + 1]) - DAY),
        "balance": pa.array(np.round(balance, 2)),
        "days_past_due": pa.array(days),
        "known_at": moments(epoch(economy.starts[month + 1]) - 3600),
    })  # fmt: skip


def payments(loans: Loans, economy: Economy, low: int, high: int) -> Bookings:
    """Monthly payments from the current account, on the tenth, for customers ``low`` to ``high`` (excluded)."""
    loan, month, age = _active(loans, economy)
    mine = (loans.customer[loan] >= low) & (loans.customer[loan] < high)
    pays = mine & (age >= 1) & (past_due(loans, loan, month) == 0)
    loan, month, age = loan[pays], month[pays], age[pays]
    n = len(loan)
    owed = balance_after(loans.amount[loan], loans.payment[loan], age - 1)
    day = (economy.starts[month] - economy.starts[0]).astype(int) + 9
    return Bookings(
        customer=loans.customer[loan],
        day=day,
        kind=np.full(n, KINDS.index("loan_payment")),
        amount=-loans.payment[loan],
        margin=0.03 * RATE * owed,
        channel=np.full(n, CHANNELS.index("automatic")),
        category=np.full(n, -1),
        product=np.zeros(n, np.int64),
    )


def recoveries(rng: np.random.Generator, loans: Loans, economy: Economy, offset: int) -> pa.Table:
    """Spell what comes back after a default that isn't cured, in payments over eighteen months."""
    lost = np.flatnonzero((loans.default_month >= 0) & ~loans.cures)
    paid = np.maximum(loans.default_month[lost] - 3 - loans.month[lost], 0)
    exposure = balance_after(loans.amount[lost], loans.payment[lost], paid)
    parts = rng.dirichlet(np.full(PAYMENTS, 1.2), len(lost)) * (exposure * (1 - loans.loss[lost]))[:, None]
    delay = np.sort(rng.beta(1.2, 1.8, parts.shape), axis=1) * RECOVERY_DAYS
    at = loans.defaulted_at[lost][:, None] + (10 * DAY + delay * DAY).astype(np.int64)
    row, column = np.nonzero((at < epoch(economy.starts[-1])) & (parts >= 1.0))
    received = at[row, column]
    known = np.minimum(received + rng.integers(0, 20 * 3600, len(row)), epoch(economy.starts[-1]) - 1)
    return pa.table({
        "loan_id": labels(lost[row], ids("L", offset + np.arange(len(loans.customer)), 8)),
        "received_at": moments(received),
        "amount": pa.array(np.round(parts[row, column], 2)),
        "known_at": moments(known),
    })  # fmt: skip
