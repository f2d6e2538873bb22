"""How many agents a load of calls takes: from a service level, a limit of occupancy, and shrinkage."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd
from pydantic import Field

from ...errors import DataError
from ..stated import Stated
from .erlang import Queue, queue

MOST = 100_000


class Service(Stated):
    """What callers are promised, and what agents can bear."""

    word: ClassVar[str] = "service setting"

    level: float = Field(0.8, gt=0, lt=1, description="share of calls answered within the seconds")
    within_seconds: float = Field(20, ge=0, description="80/20 is the usual promise")
    most_occupancy: float = Field(0.85, gt=0, le=1, description="busier agents make mistakes and leave")
    shrinkage: float = Field(0.3, ge=0, lt=1, description="share of paid time that is not spent on calls")
    least_agents: int = Field(1, ge=0, description="at an open desk, however few call")


@dataclass(frozen=True)
class Staffing:
    """Agents for one load: at work (``agents``), on the roster (``scheduled``), and the queue that results."""

    agents: int
    scheduled: int
    queue: Queue


def agents_needed(rate: float, service_seconds: float, service: Service, patience: float = math.inf) -> Staffing:
    """Find the smallest number of agents that keeps the promise.

    Parameters
    ----------
    rate : float
        Calls a second.
    service_seconds : float
        Mean time that a call takes an agent.
    service : Service
        What is promised.
    patience : float
        Mean seconds that a caller would wait; infinite: Erlang C, which is the careful choice.

    Returns
    -------
    Staffing
        With ``least_agents`` for no calls.

    Raises
    ------
    ParamsError
        See :func:`.erlang.queue`.

    Examples
    --------
    >>> found = agents_needed(100 / 1800, 180, Service())
    >>> found.agents, found.scheduled, round(found.queue.service_level, 4)
    (14, 20, 0.8884)
    >>> agents_needed(0, 180, Service(least_agents=0)).scheduled
    0
    >>> Service(shrinkege=0.3)
    Traceback (most recent call last):
    ...
    afraz.errors.ParamsError: unknown service setting 'shrinkege': did you mean shrinkage?
    """
    agents = service.least_agents
    if rate > 0 and math.isinf(patience):
        agents = max(agents, math.ceil(rate * service_seconds / service.most_occupancy - 1e-9))
    found = queue(rate, service_seconds, agents, within=service.within_seconds, patience=patience)
    while found.service_level < service.level or found.occupancy > service.most_occupancy + 1e-12:
        agents += 1
        found = queue(rate, service_seconds, agents, within=service.within_seconds, patience=patience)
        if agents > MOST:
            raise DataError(f"more than {MOST:,} agents for {rate:g} calls a second of {service_seconds:g} seconds")
    return Staffing(agents, math.ceil(agents / (1 - service.shrinkage) - 1e-9), found)


def mean_patience(wait_seconds: pd.Series, abandoned: pd.Series) -> float:
    """Estimate the mean patience: all time waited over the calls given up (censored exponential).

    Calls that were answered had patience left, and how much is not known; the mean wait of those who gave up would
    be far too short. Infinite where nobody gave up.

    Examples
    --------
    >>> mean_patience(pd.Series([10.0, 30.0, 200.0]), pd.Series([False, False, True]))
    240.0
    """
    known = wait_seconds.notna()
    given_up = int(abandoned[known].sum())
    waited = float(wait_seconds[known].sum())
    return waited / given_up if given_up and waited > 0 else math.inf


def staffing_table(rates: pd.DataFrame, service_seconds: float, service: Service, patience: float) -> pd.DataFrame:
    """Give the agents of every hour of the week, by Erlang C and by Erlang A.

    Parameters
    ----------
    rates : DataFrame
        ``weekday`` (0: Monday), ``hour``, ``calls`` (an hour), and ``open`` (bool).
    service_seconds, service, patience
        See :func:`agents_needed`.

    Returns
    -------
    DataFrame
        The rates with ``agents, scheduled, service_level, occupancy, mean_wait`` (Erlang C), ``agents_impatient,
        abandonment`` (Erlang A) and ``spare_hours``: agent-hours of the hour that may be filled without passing the
        limit of occupancy. 0 agents where the desk is closed.
    """
    rows = []
    known: dict[tuple[float, bool], Mapping[str, float]] = {}
    for calls, is_open in zip(rates["calls"].round(3), rates["open"], strict=True):
        cell = (float(calls), bool(is_open))
        if cell not in known:
            known[cell] = _cell(*cell, service_seconds, service, patience)
        rows.append(known[cell])
    return pd.concat([rates.reset_index(drop=True), pd.DataFrame(rows)], axis=1)


def _cell(
    calls: float, is_open: bool, service_seconds: float, service: Service, patience: float
) -> Mapping[str, float]:
    if not is_open:
        return {"agents": 0, "scheduled": 0, "service_level": np.nan, "occupancy": np.nan, "mean_wait": np.nan,
                "agents_impatient": 0, "abandonment": np.nan, "spare_hours": 0.0}  # fmt: skip
    careful = agents_needed(calls / 3600, service_seconds, service)
    impatient = agents_needed(calls / 3600, service_seconds, service, patience)
    spare = max(0.0, careful.agents * service.most_occupancy - calls * service_seconds / 3600)
    return {
        "agents": careful.agents, "scheduled": careful.scheduled, "service_level": careful.queue.service_level,
        "occupancy": careful.queue.occupancy, "mean_wait": careful.queue.mean_wait,
        "agents_impatient": impatient.agents, "abandonment": impatient.queue.abandonment, "spare_hours": spare,
    }  # fmt: skip
