"""Moves that matter: customers whose change of segment calls for action, first the one with most at stake."""

from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np
import pandas as pd
from pydantic import BaseModel, ConfigDict, Field

from ...errors import DataError, ParamsError
from .flows import by_date

Phrases = Mapping[str, tuple[str, str]]
NOTICED = 0.25  # standard deviations: smaller changes are not told
TOLD = 2  # changes told of each customer


class Move(BaseModel):
    """A change of segment that matters; segments go by their names."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    lens: str
    before: list[str] = Field(min_length=1, description="any of these …")
    after: list[str] = Field(min_length=1, description="… became any of those")
    among: dict[str, list[str]] = Field({}, description="only customers whom other lenses put there, before the move")
    weight: float = Field(1.0, gt=0, description="times the value at stake gives the priority")
    told_by: dict[str, Literal["low", "high"]] = Field({}, description="input → which of its words can be a reason for "
                                                       "this move; empty: all of either kind")  # fmt: skip
    why: str = Field(description="what is said to the person who acts")


def moves_that_matter(
    assigned: pd.DataFrame, moves: Sequence[Move], value: str, *, inputs: Sequence[str] = (),
    phrases: Phrases | None = None, held: int = 1,
) -> pd.DataFrame:  # fmt: skip
    """List the customers who made one of the moves, the most pressing first.

    Parameters
    ----------
    assigned : DataFrame
        customer_id, as_of, the name of the segment in each lens (column ``<lens>``), ``value`` and ``inputs``.
    moves : sequence of Move
        Of several that a customer made, the one with the highest priority counts.
    value : str
        What is at stake, in currency; a missing or negative one counts as 0.
    inputs : sequence of str
        Numbers whose change explains a move.
    phrases : mapping of column to (low, high), optional
        Plain words for a low and for a high value. They are told of a change only where the value reached bears them
        out: below or above zero for what has two signs, in the outer quarter of all customers otherwise.
    held : int
        A move counts once the customer has stayed in the new segment for so many dates (1: as soon as it happens), and
        only at the date at which that is reached: tomorrow's list does not repeat today's.

    Returns
    -------
    DataFrame
        ``rank`` (from 1), customer_id, lens, before, after, since (date), value_at_stake, priority, reason.

    Raises
    ------
    ParamsError
        For a lens that the table does not have, or ``held`` below 1.
    DataError
        If the table has no column ``value``, or repeats a customer at a date.
    NotApplicable
        With fewer than two dates.
    """
    if held < 1:
        raise ParamsError(f"held: expected at least 1, got {held}")
    if value not in assigned:
        raise DataError(f"segments lack the column {value!r}, which says what is at stake")
    for move in moves:
        for lens in (move.lens, *move.among):
            if lens not in assigned:
                raise ParamsError(f"move {move.why!r}: no lens {lens!r} among the segments")
    months = by_date(assigned)
    if len(months) < held + 1:
        return _listed([])
    window = [part.set_index("customer_id") for _, part in months[-held - 1 :]]
    since = months[-held][0]
    start, now = window[0], window[-1]
    known = start.index
    for part in window[1:]:
        known = known.intersection(part.index)
    start, now = start.loc[known], now.loc[known]
    change = _changes(start, now, [name for name in inputs if name in now])
    stake = now[value].fillna(0.0).clip(lower=0.0)
    found = []
    for move in moves:
        made = start[move.lens].isin(move.before)
        for part in window[1:]:
            made &= part.loc[known, move.lens].isin(move.after)
        for lens, names in move.among.items():
            made &= start[lens].isin(names)
        rows = known[made.to_numpy()]
        found.append(pd.DataFrame({
            "customer_id": rows, "lens": move.lens, "before": start.loc[rows, move.lens].to_numpy(),
            "after": now.loc[rows, move.lens].to_numpy(), "since": since,
            "value_at_stake": stake.loc[rows].round(2).to_numpy(),
            "priority": (move.weight * stake.loc[rows]).round(2).to_numpy(),
            "reason": _reasons(move, change.loc[rows], phrases or {}),
        }))  # fmt: skip
    return _listed(found)


def _changes(start: pd.DataFrame, now: pd.DataFrame, names: list[str]) -> pd.DataFrame:
    """Changes in standard deviations of all customers; missing where small, or where the value reached is none such."""
    level = now[names].astype(float)
    spread = level.std().replace(0.0, np.nan)
    change = (level - start[names].astype(float)) / spread
    signed = level.min() < 0
    middle = level.median().mask(signed, 0.0)
    low, high = (level.quantile(q).mask(signed, side * NOTICED * spread) for q, side in ((0.25, -1), (0.75, 1)))
    fell, rose = (change <= -NOTICED) & (level <= low), (change >= NOTICED) & (level >= high)
    return change.where((fell & (level < middle)) | (rose & (level > middle)))


def _reasons(move: Move, change: pd.DataFrame, phrases: Phrases) -> list[str]:
    """Say why, and the strongest changes of each customer that can be a reason for the move."""
    told = change[[name for name in change if not move.told_by or name in move.told_by]]
    sign = {name: 1 if side == "high" else -1 for name, side in move.told_by.items()}
    told = told.where(told * [sign.get(str(name), np.nan) for name in told] > 0) if move.told_by else told
    said = []
    for moved in told.to_numpy():
        order = np.argsort(-np.abs(np.nan_to_num(moved)), kind="stable")[:TOLD]
        words = [_phrase(str(told.columns[j]), moved[j], phrases) for j in order if np.isfinite(moved[j])]
        said.append("; ".join([move.why, *words]))
    return said


def _phrase(name: str, amount: float, phrases: Phrases) -> str:
    low, high = phrases.get(name, (f"{name} fell", f"{name} rose"))
    return high if amount > 0 else low


def _listed(found: list[pd.DataFrame]) -> pd.DataFrame:
    columns = ["rank", "customer_id", "lens", "before", "after", "since", "value_at_stake", "priority", "reason"]
    rows = [part for part in found if len(part)]
    if not rows:
        return pd.DataFrame(columns=columns)
    table = pd.concat(rows, ignore_index=True)
    table = table.sort_values(["priority", "customer_id"], ascending=[False, True], kind="stable")
    table = table.drop_duplicates("customer_id").reset_index(drop=True)
    return table.assign(rank=np.arange(1, len(table) + 1))[columns]
