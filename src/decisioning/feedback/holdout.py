"""What all campaigns together bring: everybody else against the lasting holdout, which never gets one.

Campaigns are told apart by their own control groups. What they do together – to customers who get several, to those who
would have come anyway the month after – only a group shows that gets none of them for as long as it takes. It is small,
so margins are first compared with what the same customers brought in the year before: that takes out what differs
between them, and nothing of the effect, since the lot fell after it (Deng, Xu, Kohavi and Walker 2013, WSDM 123-132).

There are two looks, half a year and a year after the first round; each has half of the level, so that both together
keep to it. Between them nothing is told that somebody might stop at.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import norm, t

from ... import catalog
from ...errors import DataError
from ...features.value_labels import MARGINS, YEAR, value_labels
from ..rounds import kept_rounds
from ..strips import HOLDOUT
from .contrast import arm_of, contrast

Array = NDArray[np.float64]
COLUMNS = ["outcome", "days", "ends_on", "held", "others", "mean_held", "mean_others", "effect", "low", "high",
           "smallest_found", "verdict"]  # fmt: skip
MORE, LESS, UNDECIDED = "brings more", "brings less", "undecided"
POWER = float(norm.ppf(0.8))
FEWEST = 2  # customers of each side that have a spread


@dataclass(frozen=True)
class Holdout:
    """The looks that there were (``table``, see :func:`holdout_effect`), and in words what is compared since when."""

    table: pd.DataFrame
    said: str

    def looks(self) -> dict[str, Any]:
        """Spell the table in plain values, by outcome."""
        return {str(name): row for name, row in self.table.set_index("outcome").to_dict("index").items()}


def lasting_holdout(as_of: str, treatments: pd.DataFrame, *, level: float) -> Holdout:
    """Compare the customers of the first round with a holdout: those in it in every round of the year, those in none.

    Where nobody is held out, or one customer, there is nothing to compare, and the words say so.

    Parameters
    ----------
    as_of : the first day (ISO) that the data don't cover
    treatments : who was assigned what, to see that the holdout got nothing
    level : of both looks together
    """
    kept = {day: pd.read_parquet(file) for day, file in kept_rounds(as_of, "round_strips").items()}
    drawn = [day for day, strips in kept.items() if strips["strip"].eq(HOLDOUT).any()]
    if not drawn:
        none = "nobody was held out in a round" if kept else "no round was decided"
        return _nothing(f"{none} before {as_of}: the holdout is compared from half a year after its first round on")
    began, until = date.fromisoformat(drawn[0]), date.fromisoformat(as_of)
    ends = began + timedelta(days=YEAR)
    members = always_held([strips for day, strips in kept.items() if drawn[0] <= day < ends.isoformat()])
    if min(members["held"].sum(), (~members["held"]).sum()) < FEWEST:
        return _nothing(
            f"{members['held'].sum():,} of {len(members):,} customers were held out in every round since {began}: "
            "strips of params/decide.yaml say how many, and fewer than two show nothing"
        )
    tables = catalog.canonical_tables()  # with accounts: who has one is a customer before the first booking
    before = began - timedelta(days=YEAR)
    labels = value_labels(tables, [before, began], observed_until=until).select("customer_id", "as_of", *MARGINS)
    found = holdout_effect(members, labels.to_pandas(), began=began, level=level)
    return Holdout(found, _said(members, treatments, found, began))


def _nothing(said: str) -> Holdout:
    return Holdout(pd.DataFrame(columns=COLUMNS), said)


def always_held(strips: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Keep the customers of the first round who were held out in every round, or in none.

    Membership is one lot for all time: where the share of the holdout was changed, those who came to it or left it for
    that differ from the others by their lot alone, and can be left out.

    Parameters
    ----------
    strips : DataFrames
        Of :func:`afraz.decisioning.strips.set_apart`, the first round first.

    Returns
    -------
    DataFrame
        ``customer_id, held``.

    Examples
    --------
    >>> first = pd.DataFrame({"customer_id": ["a", "b", "c"], "strip": ["holdout", "decided", "holdout"]})
    >>> always_held([first, first.assign(strip=["holdout", "exploration", "decided"])]).to_dict("list")
    {'customer_id': ['a', 'b'], 'held': [True, False]}
    """
    out = strips[0][["customer_id"]].assign(held=strips[0]["strip"].eq(HOLDOUT).to_numpy())
    for later in strips[1:]:
        now = out["customer_id"].map(later.set_index("customer_id")["strip"])
        out = out[now.isna() | (now.eq(HOLDOUT) == out["held"])]
    return out.reset_index(drop=True)


def holdout_effect(members: pd.DataFrame, margins: pd.DataFrame, *, began: date, level: float = 0.05) -> pd.DataFrame:
    """Compare margins by intention to treat: all others, contacted or not, against all who are held out.

    Parameters
    ----------
    members : ``customer_id, held``
    margins : DataFrame
        ``customer_id, as_of, margin_6m, margin_12m`` of :func:`afraz.features.value_labels.value_labels` at ``began``
        (missing: the window is not over) and a year before.
    began : day of the first round
    level : of all looks together

    Returns
    -------
    DataFrame
        A row per look that was due: ``outcome, days, ends_on``; ``held, others`` customers; ``mean_held, mean_others``
        margins in currency; ``effect`` per customer and its interval ``low, high``, adjusted for the year before;
        ``smallest_found``, what would have been found in four of five cases; ``verdict``: brings more, brings less,
        or undecided.

    Raises
    ------
    DataError
        If nobody or everybody is held out.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> ids = [f"C{i}" for i in range(1000)]
    >>> year = rng.gamma(2.0, 50.0, 1000)
    >>> members = pd.DataFrame({"customer_id": ids, "held": np.arange(1000) < 100})
    >>> after = 0.5 * year + 20.0 * (np.arange(1000) >= 100) + rng.normal(size=1000)
    >>> margins = pd.concat([
    ...     pd.DataFrame({"customer_id": ids, "as_of": date(2025, 1, 1), "margin_6m": year / 2, "margin_12m": year}),
    ...     pd.DataFrame({"customer_id": ids, "as_of": date(2026, 1, 1), "margin_6m": after, "margin_12m": np.nan})])
    >>> found = holdout_effect(members, margins, began=date(2026, 1, 1))
    >>> found[["outcome", "held", "others", "verdict"]].to_dict("records")
    [{'outcome': 'margin_6m', 'held': 100, 'others': 900, 'verdict': 'brings more'}]
    >>> bool(found["low"][0] < 20 < found["high"][0] < 21)
    True
    """
    if members["held"].nunique() < 2:
        whom = "everybody" if members["held"].any() else "nobody"
        raise DataError(f"{whom} of {len(members):,} customers is in the holdout: state a share of it between 0 and 1 "
                        "in strips of params/decide.yaml")  # fmt: skip
    at, when = margins.set_index("customer_id"), pd.to_datetime(margins["as_of"]).to_numpy()
    earlier, later = (at[when == np.datetime64(day)] for day in (began - timedelta(days=YEAR), began))
    ids, held = members["customer_id"], members["held"].to_numpy()
    known = earlier["margin_12m"].reindex(ids).to_numpy(float)
    fewer = int(min(held.sum(), (~held).sum()))  # their spread is little known where they are few
    reach = float(t.ppf(1 - level / len(MARGINS) / 2, fewer - 1))
    rows = []
    for outcome, days in MARGINS.items():
        if later[outcome].isna().all():
            continue
        brought = later[outcome].reindex(ids).fillna(0.0).to_numpy(float)
        left = _left_over(brought, known, ~held)
        arms = [arm_of(np.ones(part.sum()), left[part]) for part in (~held, held)]
        effect, error = (float(x) for x in contrast(*arms))
        low, high = effect - reach * error, effect + reach * error
        rows.append({
            "outcome": outcome, "days": days, "ends_on": (began + timedelta(days=days)).isoformat(),
            "held": int(held.sum()), "others": int((~held).sum()), "mean_held": brought[held].mean(),
            "mean_others": brought[~held].mean(), "effect": effect, "low": low, "high": high,
            "smallest_found": (reach + POWER) * error,
            "verdict": MORE if low > 0 else LESS if high < 0 else UNDECIDED,
        })  # fmt: skip
    return pd.DataFrame(rows, columns=COLUMNS)


def _left_over(brought: Array, before: Array, inside: NDArray[np.bool_]) -> Array:
    """What the year before does not tell of a margin, by a line learned from those ``inside``; newcomers have one."""
    new = np.isnan(before)
    x = np.column_stack([np.ones(len(before)), np.nan_to_num(before), new])
    line = np.linalg.lstsq(x[inside], brought[inside], rcond=None)[0]
    return np.asarray(brought - x @ line)


def _said(members: pd.DataFrame, treatments: pd.DataFrame, found: pd.DataFrame, began: date) -> str:
    held = members.loc[members["held"], "customer_id"]
    ends = pd.Timestamp(began + timedelta(days=YEAR))
    during = (treatments["assigned_at"] >= pd.Timestamp(began)) & (treatments["assigned_at"] < ends)
    got = treatments[during & treatments["delivered_at"].notna()]
    reached = int(held.isin(got["customer_id"]).sum())
    due = [(began + timedelta(days=days)).isoformat() for days in MARGINS.values()]
    next_look = f"; the next look is on {due[len(found)]}" if len(found) < len(due) else ""
    broken = f"; {reached:,} of the holdout were contacted all the same, which makes the effect look smaller"
    others = len(members) - len(held)
    return (f"{len(held):,} customers get no campaign since {began.isoformat()}, {others:,} others may"
            f"{next_look}{broken if reached else ''}")  # fmt: skip
