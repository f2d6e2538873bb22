"""Calls before the customer calls: what they change, by a trial, and whom to call when agents are idle."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ...errors import DataError, NotApplicable

CONTROL = "control"
LEAST = 100  # customers in each arm


@dataclass(frozen=True)
class Effect:
    """What being assigned a call changes, by intention to treat.

    Attributes
    ----------
    reduction : float
        Share of contacts that do not come, ``low`` to ``high`` (95 %); negative: more come.
    table : DataFrame
        ``part, control, assigned, contacts_control, contacts_assigned, reduction, low, high``: everybody, and thirds by
        what was expected of them before.
    """

    reduction: float
    low: float
    high: float
    days: int
    table: pd.DataFrame

    @property
    def shown(self) -> bool:
        """Whether chance alone would hardly do it."""
        return self.low > 0

    def in_words(self) -> str:
        """Say what the trial showed."""
        sure = "shown" if self.shown else "not told from chance"
        return (
            f"{self.reduction:.0%} fewer contacts in {self.days} days after being assigned a call "
            f"({self.low:.0%} to {self.high:.0%}): {sure}"
        )


def estimate_effect(
    assigned: pd.DataFrame, contacts: pd.DataFrame, until: pd.Timestamp, *, days: int = 30
) -> Effect:  # fmt: skip
    """Estimate the effect of a proactive call by intention to treat.

    Everybody assigned counts in the arm of the draw, reached or not. Contacts are held against what was expected of the
    same customers before the draw: the ratio of the arms, observed over expected, is less noisy than that of the counts
    alone, and unbiased because the expectation knows nothing of the arm.

    Parameters
    ----------
    assigned : DataFrame
        ``customer_id, assigned_at, arm`` (``control`` or anything else) and ``expected`` (contacts in the window, by
        what was known before).
    contacts : DataFrame
        Of :func:`.contact_log.read_contacts`.
    until : Timestamp
        The first moment that the contacts don't cover.
    days : int
        Window after the assignment.

    Returns
    -------
    Effect

    Raises
    ------
    NotApplicable
        Where no window is over, or an arm has fewer than ``LEAST`` customers or no contact.

    Examples
    --------
    >>> estimate_effect(pd.DataFrame({"customer_id": [], "assigned_at": [], "arm": [], "expected": []}), None, None)
    Traceback (most recent call last):
    ...
    afraz.errors.NotApplicable: a trial of calls needs 100 customers in each arm whose 30 days are over, got 0 and 0
    """
    window = pd.Timedelta(days=days)
    over = assigned if assigned.empty else assigned[assigned["assigned_at"] + window <= until]
    treated = (over["arm"] != CONTROL).to_numpy(bool)
    sizes = int((~treated).sum()), int(treated.sum())
    if min(sizes) < LEAST:
        raise NotApplicable(
            f"a trial of calls needs {LEAST} customers in each arm whose {days} days are over, got {sizes[0]} and "
            f"{sizes[1]}"
        )
    if over.duplicated(["customer_id", "assigned_at"]).any():
        raise DataError("a customer is assigned twice at one moment: an arm is drawn once")
    seen = _after(over, contacts, window)
    if seen[treated].sum() == 0 or seen[~treated].sum() == 0:
        raise NotApplicable("a trial of calls needs contacts in both arms, one has none")
    expected = over["expected"].to_numpy(float)
    third = pd.Series(expected).rank(method="first", pct=True).to_numpy()
    parts = {"all": np.ones(len(over), bool), "expected low": third <= 1 / 3,
             "expected middle": (third > 1 / 3) & (third <= 2 / 3), "expected high": third > 2 / 3}  # fmt: skip
    rows = [{"part": name, **_ratio(seen[at], expected[at], treated[at])} for name, at in parts.items()]
    table = pd.DataFrame(rows)
    everybody = table.iloc[0]
    return Effect(float(everybody["reduction"]), float(everybody["low"]), float(everybody["high"]), days, table)


def _after(assigned: pd.DataFrame, contacts: pd.DataFrame, window: pd.Timedelta) -> NDArray[np.float64]:
    draws = assigned[["customer_id", "assigned_at"]].assign(place=np.arange(len(assigned)))
    both = draws.merge(contacts[["customer_id", "started_at"]], on="customer_id")
    inside = both[(both["started_at"] >= both["assigned_at"]) & (both["started_at"] < both["assigned_at"] + window)]
    return np.bincount(inside["place"].to_numpy(int), minlength=len(draws)).astype(float)


def _ratio(seen: NDArray[np.float64], expected: NDArray[np.float64], treated: NDArray[np.bool_]) -> dict[str, Any]:
    """Ratio of observed over expected contacts between the arms, with a delta-method interval on the log scale."""
    level, variance, counted = [], 0.0, []
    for arm in (~treated, treated):
        y, e = seen[arm], expected[arm]
        ratio = y.sum() / max(e.sum(), 1e-12)
        residual = y - ratio * e
        variance += (residual**2).sum() / max(y.sum(), 1.0) ** 2 * len(y) / max(len(y) - 1, 1)
        level.append(max(ratio, 1e-12))
        counted.append(y)
    log, reach = np.log(level[1] / level[0]), 1.96 * np.sqrt(variance)
    return {
        "control": len(counted[0]), "assigned": len(counted[1]), "contacts_control": counted[0].mean(),
        "contacts_assigned": counted[1].mean(), "reduction": float(1 - np.exp(log)),
        "low": float(1 - np.exp(log + reach)), "high": float(1 - np.exp(log - reach)),
    }  # fmt: skip


def spare_slots(staffing: pd.DataFrame, call_seconds: float, *, use: float = 0.5, first: int = 9, last: int = 20,
                days: tuple[int, ...] = (0, 1, 2, 3, 4)) -> pd.DataFrame:  # fmt: skip
    """Turn idle agent-hours of the week into calls that can be made, in hours in which customers may be called.

    Parameters
    ----------
    staffing : DataFrame
        Of :func:`.staffing.staffing_table`.
    call_seconds : float
        What a call takes.
    use : float
        Share of the idle time that is planned; the rest is for what nobody foresaw.
    first, last : int
        Hours from and to which customers may be called.

    Returns
    -------
    DataFrame
        ``weekday, hour, calls`` (arriving), ``occupancy, slots`` (calls that can be made), the least busy hours first;
        only hours below the median load of the open ones are off-peak.
    """
    asked = staffing[staffing["open"] & staffing["hour"].between(first, last - 1) & staffing["weekday"].isin(days)]
    quiet = asked[asked["occupancy"] <= asked["occupancy"].median()]
    slots = np.floor(quiet["spare_hours"] * 3600 * use / call_seconds).astype(int)
    found = quiet[["weekday", "hour", "calls", "occupancy"]].assign(slots=slots)
    return found.sort_values(["occupancy", "weekday", "hour"], kind="stable", ignore_index=True)


def proactive_list(
    customers: pd.DataFrame, effect: Effect, slots: pd.DataFrame, *, most: int, control_share: float, seed: int
) -> pd.DataFrame:
    """Choose whom to call in idle hours so that the expected number of avoided contacts is largest.

    With one effect for all, the order is that of the expected contacts. A part drawn by chance is not called, so that
    the effect can be measured again. Where the trial has shown no effect, nobody is listed.

    Parameters
    ----------
    customers : DataFrame
        ``customer_id`` and ``expected_30`` (contacts in the window of the effect).
    slots : DataFrame
        Of :func:`spare_slots`.
    most : int
        Customers on the list at most, those who are not called included.
    control_share : float
        Share that is drawn not to be called.

    Returns
    -------
    DataFrame
        ``rank, customer_id, arm`` (call or control), ``expected_30, expected_avoided, weekday, hour``; control has no
        hour. Ordered by rank.

    Examples
    --------
    >>> customers = pd.DataFrame({"customer_id": list("abc"), "expected_30": [0.1, 0.4, 0.2]})
    >>> slots = pd.DataFrame({"weekday": [0, 1], "hour": [9, 9], "slots": [1, 1]})
    >>> effect = Effect(0.25, 0.1, 0.4, 30, pd.DataFrame())
    >>> found = proactive_list(customers, effect, slots, most=5, control_share=0.0, seed=1)
    >>> found[["customer_id", "weekday"]].values.tolist()
    [['b', 0], ['c', 1]]
    """
    columns = ["rank", "customer_id", "arm", "expected_30", "expected_avoided", "weekday", "hour"]
    capacity = int(slots["slots"].sum())
    size = min(most, int(capacity / (1 - control_share)), len(customers)) if effect.shown else 0
    if size == 0:
        return pd.DataFrame({c: pd.Series(dtype="str" if c in ("customer_id", "arm") else "float64") for c in columns})
    order = customers.sort_values(["expected_30", "customer_id"], ascending=[False, True], kind="stable")
    chosen = order.head(size).reset_index(drop=True)[["customer_id", "expected_30"]]
    held = np.random.default_rng(seed).permutation(size)[: round(size * control_share)]
    chosen["arm"] = np.where(np.isin(np.arange(size), held), CONTROL, "call")
    called = (chosen["arm"] == "call").to_numpy()
    cells = slots.loc[slots.index.repeat(slots["slots"]), ["weekday", "hour"]].reset_index(drop=True)
    chosen["weekday"] = pd.array([pd.NA] * size, dtype="Int64")
    chosen["hour"] = pd.array([pd.NA] * size, dtype="Int64")
    place = np.flatnonzero(called)[: len(cells)]
    for name in ("weekday", "hour"):
        chosen.loc[place, name] = cells[name].to_numpy()[: len(place)]
    chosen["expected_avoided"] = np.where(called, chosen["expected_30"] * effect.reduction, 0.0)
    return chosen.assign(rank=np.arange(1, size + 1))[columns]
