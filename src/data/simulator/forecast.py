"""The truth about leaving: probabilities given the latent state at ``as_of``, integrated forward over the chain.

The state of a customer is (phase, months since the last unresolved contact); its distribution is carried forward month
by month with the very probabilities that :mod:`.lifecycle` draws from. The realised path is never looked at.
"""

from dataclasses import dataclass

import numpy as np

from .lifecycle import (
    ANNOYED_EFFECT,
    DECLINING,
    GROWING,
    HAZARD,
    MOVES,
    NEW,
    NEW_MONTHS,
    STEADY,
    UNRESOLVED_EFFECT,
    UNRESOLVED_MONTHS,
    UNRESOLVED_SHARE,
    contact_rate,
    decline_factor,
    tenure_term,
)

BLOCK = 50_000


@dataclass
class State:
    """What the chain knows of customers at the start of month ``month``: arrays of one length.

    ``phase`` is the phase of the month before, ``recency`` and ``annoyed`` the states after it.
    """

    month: np.ndarray
    phase: np.ndarray
    recency: np.ndarray
    annoyed: np.ndarray
    joined: np.ndarray
    log_odds: np.ndarray
    contact_rate: np.ndarray
    calm: np.ndarray

    def part(self, rows: slice) -> "State":
        return State(**{name: value[rows] for name, value in vars(self).items()})

    def __len__(self) -> int:
        return len(self.phase)


def step(share: np.ndarray, state: State, ahead: int) -> tuple[np.ndarray, np.ndarray]:
    """Carry the distribution through the month that is ``ahead`` months after the state.

    Parameters
    ----------
    share : ndarray (n, 5, 4)
        Probability of being a customer in each (phase, recency).

    Returns
    -------
    ndarray (n, 5, 4), ndarray (n, 5)
        The distribution at the end of the month, and that of the phase during the month (before anybody leaves).
    """
    tenure = state.month + ahead - state.joined
    fresh = share[:, NEW].copy()
    stays_new = (tenure < NEW_MONTHS)[:, None]
    source = share.copy()
    source[:, NEW] = np.where(stays_new, 0.0, fresh)
    moved = np.einsum("nfr,ft->ntr", source, MOVES)
    extra = (source[:, STEADY] * MOVES[STEADY, DECLINING]) * (decline_factor(state.log_odds)[:, None] - 1)
    moved[:, DECLINING] += extra
    moved[:, STEADY] -= extra
    moved[:, NEW] += np.where(stays_new, fresh, 0.0)
    during = moved.sum(axis=2)

    acts = np.arange(UNRESOLVED_MONTHS + 1) < UNRESOLVED_MONTHS
    base = state.log_odds + tenure_term(tenure) + ANNOYED_EFFECT * (state.annoyed > ahead)
    odds = base[:, None, None] + HAZARD[None, :, None] + UNRESOLVED_EFFECT * acts[None, None, :]
    stays = moved / (1 + np.exp(odds))
    phases = np.arange(len(HAZARD))
    rate = contact_rate(state.contact_rate[:, None], phases[None, :]) * (state.calm[:, None] if ahead == 0 else 1.0)
    calm = np.exp(-UNRESOLVED_SHARE * rate)[:, :, None]
    after = np.empty_like(stays)
    after[:, :, 0] = (stays * (1 - calm)).sum(axis=2)
    after[:, :, 1:] = (stays * calm)[:, :, :UNRESOLVED_MONTHS]
    after[:, :, UNRESOLVED_MONTHS] += (stays * calm)[:, :, UNRESOLVED_MONTHS]
    return after, during


def start(state: State) -> np.ndarray:
    """Give the state as a distribution that is certain."""
    share = np.zeros((len(state), len(HAZARD), UNRESOLVED_MONTHS + 1))
    share[np.arange(len(state)), state.phase, state.recency] = 1.0
    return share


def leaving_probabilities(state: State, month_days: np.ndarray, horizons: tuple[int, ...]) -> dict[str, np.ndarray]:
    """Probabilities of leaving within ``horizons`` days, of growing 90 days on, and contacts expected in 90 days.

    Parameters
    ----------
    state : State
        Customers at the start of one month.
    month_days : ndarray (4,)
        Days of that month and of the three after it. Whoever leaves does so on any day of the month alike.
    horizons : tuple of int
        At most as many days as four months have.

    Returns
    -------
    dict of ndarray (n,)
        ``leave_<days>`` per horizon, ``growing_90``, ``contacts_90``.
    """
    parts = []
    for first in range(0, len(state), BLOCK):
        part = state.part(slice(first, first + BLOCK))
        share, gone, contacts = start(part), [np.zeros(len(part))], np.zeros(len(part))
        for ahead in range(len(month_days)):
            share, during = step(share, part, ahead)
            gone.append(1 - share.sum(axis=(1, 2)))
            if ahead < 3:
                expected = contact_rate(part.contact_rate[:, None], np.arange(len(HAZARD))[None, :])
                present = during * (1 - (gone[-1] - gone[-2]) / 2 / np.maximum(1 - gone[-2], 1e-9))[:, None]
                contacts += (present * expected).sum(axis=1) * (part.calm if ahead == 0 else 1.0)
            if ahead == 2:
                growing = share[:, GROWING].sum(axis=1)
        ends = np.concatenate([[0], np.cumsum(month_days)])
        curve = np.stack(gone)
        found = {"growing_90": growing, "contacts_90": contacts}
        for days in horizons:
            month = int(np.searchsorted(ends, days, side="left")) - 1
            within = (days - ends[month]) / month_days[month]
            found[f"leave_{days}"] = curve[month] + within * (curve[month + 1] - curve[month])
        parts.append(found)
    return {name: np.concatenate([p[name] for p in parts]) for name in parts[0]}
