"""Loans: applications, the old policy's decisions, default, cure; :mod:`.repayment` draws what follows by month.

The log-odds of default have a recorded part that the old policy knew, a recorded part that it ignored (strain, see
:mod:`.liquidity`), a part that only the old policy knew (it is in no table), and a part that nobody knew. Age shifts
default; gender works only through income. A quarterly factor moves all loans together (Vasicek, *The distribution of
loan portfolio value*, 2002): p(z) = Φ((Φ⁻¹(p) − √ρ·z) / √(1 − ρ)).
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from scipy.special import ndtr, ndtri

from .accounts import Timeline
from .columns import DAY, NEVER, epoch, ids, labels, moments, optional
from .economy import Economy
from .lifecycle import Panel
from .population import People

APPLY = 1 - 0.65 ** (1 / 12)  # a month: 35 % in a year
CORRELATION = 0.05
CURES = 0.30
PURPOSES = ("consumption", "car", "renovation", "education", "debt_consolidation", "business")
TERMS = np.array([12, 24, 36, 48, 60])
DECISIONS = ("granted", "declined", "withdrawn")
REASONS = ("relationship", "branch_request", "collateral", "other")
RATE = 0.14 / 12  # interest a month
INTERCEPT = -3.13
KNOWN_SD, STRAIN_SD, POLICY_ONLY_SD, UNKNOWN_SD = 0.88, 0.70, 0.58, 0.30
CUT = -0.51  # the old policy grants above this score (in SD)
POLICY_NOISE = 0.8  # SD of what the old policy got wrong
RANDOM_GRANTS = 0.03
OVERRIDES = 0.04


@dataclass
class Loans:
    """Applications of a chunk, ordered by customer and time. Moments are seconds since 1970, ``NEVER`` if not."""

    customer: np.ndarray
    month: np.ndarray
    applied_at: np.ndarray
    purpose: np.ndarray
    amount: np.ndarray
    term: np.ndarray
    payment: np.ndarray
    collateral: np.ndarray
    policy_score: np.ndarray
    decision: np.ndarray
    override: np.ndarray
    at_random: np.ndarray
    granted_at: np.ndarray
    default_month: np.ndarray
    defaulted_at: np.ndarray
    closed_at: np.ndarray
    cures: np.ndarray
    probability: np.ndarray
    policy_only: np.ndarray
    policy_knowledge: np.ndarray
    recorded: np.ndarray
    coming_month: np.ndarray
    expected_loss: np.ndarray
    loss: np.ndarray
    would_default: np.ndarray

    @property
    def granted(self) -> np.ndarray:
        return self.decision == 0


def stressed(probability: np.ndarray, factor: np.ndarray) -> np.ndarray:
    """Probability of default given the common factor (positive is good).

    Examples
    --------
    >>> stressed(np.array([0.05]), np.array([-2.0])).round(4)
    array([0.1096])
    """
    return ndtr((ndtri(probability) - np.sqrt(CORRELATION) * factor) / np.sqrt(1 - CORRELATION))


def annuity(amount: np.ndarray, term: np.ndarray) -> np.ndarray:
    """Give the level monthly payment."""
    return amount * RATE / (1 - (1 + RATE) ** -term)


def high_loss(bare: np.ndarray, factor: np.ndarray) -> np.ndarray:
    """Probability that a default that isn't cured costs most of the exposure; ``bare`` loans have no collateral."""
    return 1 / (1 + np.exp(-(1.45 - 1.1 * ~bare - 0.35 * factor)))


def expected_lgd(bare: np.ndarray, factor: np.ndarray) -> np.ndarray:
    """Expected loss given default as a share of the exposure, cures included.

    Examples
    --------
    >>> expected_lgd(np.array([True, False]), np.zeros(2)).round(3).tolist()
    [0.458, 0.38]
    """
    return (1 - CURES) * (0.25 + 0.5 * high_loss(bare, factor))


def draw_loans(rng: np.random.Generator, people: People, strain: np.ndarray, panel: Panel, economy: Economy,
               when: Timeline) -> Loans:  # fmt: skip
    """Draw applications, decisions and defaults."""
    whole = (panel.customer >= 0) & (panel.join_day < 0) & (panel.close_day < 0)
    month, place = np.nonzero(whole & (rng.random(panel.customer.shape) < APPLY))
    who = panel.customer[month, place]
    order = np.lexsort((month, who))
    month, who = month[order], who[order]
    n, start = len(who), epoch(economy.starts[month])
    applied = start + rng.integers(0, 20, n) * DAY + rng.integers(9 * 3600, 17 * 3600, n)
    purpose = rng.choice(len(PURPOSES), n, p=[0.36, 0.2, 0.17, 0.07, 0.14, 0.06])
    burden = rng.normal(size=n)
    amount = np.round(np.clip(people.income[who] * 3.2 * np.exp(0.7 * burden), 500, 120_000), -2)
    term = TERMS[np.clip(np.rint(2 + 0.9 * burden + rng.normal(0, 0.9, n)), 0, 4).astype(int)]
    collateral = np.where((purpose == 1) | (purpose == 2) | (rng.random(n) < 0.15),
                          amount * rng.uniform(0.5, 1.4, n), np.nan)  # fmt: skip
    known = (
        -0.50 * (np.log(people.income[who]) - 7.6) / 0.48
        + 0.34 * burden
        - 0.34 * (people.age[who] + month / 12 - 45) / 16
        - 0.40 * (people.salaried[who] - 0.6)
        - 0.22 * (np.log1p(month - people.joined[who]) - 3.8)
        + 0.30 * (purpose == 4)
        + 0.20 * (people.occupation[who] == 1)
        - 1.5 * economy.cycle[month, people.region[who]]
    ) / 0.80 * KNOWN_SD  # fmt: skip
    policy_only, unknown = rng.normal(0, POLICY_ONLY_SD, n), rng.normal(0, UNKNOWN_SD, n)
    recorded = known + STRAIN_SD * strain[who]
    probability = 1 / (1 + np.exp(-(INTERCEPT + recorded + policy_only + unknown)))
    score = -(known + policy_only) / np.hypot(KNOWN_SD, POLICY_ONLY_SD) + rng.normal(0, POLICY_NOISE, n)

    u = rng.random(n)
    passes = score > CUT
    at_random = ~passes & (u < RANDOM_GRANTS)
    # An override lends to the refused, whom the policy rated worse than the average borrower.
    override = ~passes & ~at_random & (rng.random(n) < OVERRIDES * 2.3) & (score > CUT - 1.6)
    decision = np.where(passes | at_random | override, 0, 1)
    decision = np.where((rng.random(n) < 0.03) & (decision == 0) & ~at_random & ~override, 2, decision)
    granted_at = np.where(decision == 0, applied + rng.integers(DAY, 7 * DAY, n), NEVER)

    defaults = rng.random(n) < stressed(probability, economy.credit_factor[month])
    later = ~defaults & (rng.random(n) < 0.35 * probability)
    default_month = month + np.where(later, rng.integers(13, 25, n), rng.integers(3, 12, n))
    hits = (defaults | later) & (decision == 0)
    end = epoch(economy.starts[-1])
    left = when.closed_at[who]
    leaves = np.where(left == NEVER, end, np.minimum(left, end))
    inside = np.minimum(default_month, economy.months - 1)
    defaulted = epoch(economy.starts[inside]) + rng.integers(0, 28, n) * DAY + 3600
    happens = hits & (default_month < economy.months) & (defaulted < leaves) & (default_month < month + term)
    # a default just after the data: its arrears show already
    ahead = hits & ~happens & (default_month >= economy.months) & (left == NEVER) & (default_month < month + term)
    cures = happens & (rng.random(n) < CURES)

    bad = economy.credit_factor[inside]
    high = high_loss(np.isnan(collateral), bad)
    expected = expected_lgd(np.isnan(collateral), bad)
    loss = np.where(rng.random(n) < high, rng.beta(9, 3, n), rng.beta(3, 9, n))
    loss = np.where(cures, 0.0, loss)
    over = epoch((economy.starts[0].astype("datetime64[M]") + month + term).astype("datetime64[D]")) + 20 * DAY
    written_off = np.where(happens & ~cures, defaulted + 550 * DAY, over)
    closed = np.minimum(over, written_off)
    closed = np.where(left != NEVER, np.minimum(closed, left), closed)
    closed = np.where((decision == 0) & (closed < end), closed, NEVER)
    return Loans(
        customer=who,
        month=month,
        applied_at=applied,
        purpose=purpose,
        amount=amount,
        term=term,
        payment=np.round(annuity(amount, term), 2),
        collateral=np.round(collateral, -2),
        policy_score=np.round(600 + 60 * score, 1),
        decision=decision,
        override=np.where(override, rng.integers(0, 4, n), -1),
        at_random=at_random,
        granted_at=granted_at,
        default_month=np.where(happens, default_month, -1),
        defaulted_at=np.where(happens, defaulted, NEVER),
        closed_at=closed,
        cures=cures,
        probability=probability,
        policy_only=policy_only,
        policy_knowledge=known + policy_only,
        recorded=recorded,
        coming_month=np.where(happens | ahead, default_month, -1),
        expected_loss=expected,
        loss=loss,
        would_default=defaults,
    )


def loan_table(loans: Loans, names: pa.Array, offset: int) -> pa.Table:
    """Spell the applications."""
    return pa.table({
        "loan_id": ids("L", offset + np.arange(len(loans.customer)), 8),
        "customer_id": labels(loans.customer, names),
        "applied_at": moments(loans.applied_at),
        "purpose": labels(loans.purpose, PURPOSES),
        "amount": pa.array(loans.amount),
        "term_months": pa.array(loans.term),
        "monthly_payment": pa.array(loans.payment),
        "collateral_value": optional(loans.collateral, np.isnan(loans.collateral)),
        "policy_score": pa.array(loans.policy_score),
        "decision": labels(loans.decision, DECISIONS),
        "override_reason": labels(loans.override, REASONS),
        "granted_at_random": pa.array(loans.at_random),
        "granted_at": moments(loans.granted_at),
        "defaulted_at": moments(loans.defaulted_at),
        "closed_at": moments(loans.closed_at),
    })  # fmt: skip


def loan_account_table(loans: Loans, names: pa.Array, offset: int) -> pa.Table:
    """Spell an account for every granted loan; the account closes with the loan."""
    g = np.flatnonzero(loans.granted)
    return pa.table({
        "account_id": ids("A", offset + np.arange(len(g)), 9),
        "customer_id": labels(loans.customer[g], names),
        "product": labels(np.zeros(len(g), int), ("loan",)),
        "opened_at": moments(loans.granted_at[g]),
        "closed_at": moments(loans.closed_at[g]),
        "credit_limit": optional(np.zeros(len(g)), np.ones(len(g), bool)),
    })  # fmt: skip


def credit_truth(loans: Loans, people: People, offset: int) -> pa.Table:
    """Probability of default within twelve months for everybody who applied, refused or not, and the expected loss.

    ``would_default`` is the draw behind it: what happened, or would have happened to a refused applicant.
    """
    who = loans.customer
    return pa.table({
        "loan_id": ids("L", offset + np.arange(len(who)), 8),
        "default_probability": pa.array(loans.probability),
        "lgd": pa.array(loans.expected_loss),
        "would_default": pa.array(loans.would_default),
        "realised_loss": optional(loans.loss, loans.default_month < 0),
        "cures": pa.array(loans.cures),
        "policy_only": pa.array(loans.policy_only),
        "policy_knowledge": pa.array(loans.policy_knowledge),
        "recorded": pa.array(loans.recorded),
        "gender": labels(people.gender[who], ("male", "female")),
        "age": pa.array(people.age[who] + loans.month / 12),
    })  # fmt: skip
