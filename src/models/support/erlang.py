"""Queues of a call centre in steady state: Erlang B, C and A.

Calls arrive at random and independently (Poisson), service times are exponential, n agents take one call each. In B
whoever finds all agents busy is gone, in C everybody waits, in A callers wait as long as their patience lasts
(exponential, too). Sources: A. K. Erlang, Elektroteknikeren 13, 1917; C. Palm, Ericsson Technics 5, 1937; A. Mandelbaum
and S. Zeltyn, *Service engineering in action: the Palm/Erlang-A queue*, in Advances in Services Innovations, 2007.
"""

import math
from dataclasses import dataclass

import numpy as np
from scipy.special import gammainc, gammaln

from ...errors import ParamsError


@dataclass(frozen=True)
class Queue:
    """What callers and agents meet.

    Attributes
    ----------
    wait_probability : float
        Share of calls that find all agents busy.
    service_level : float
        Share of all calls that are answered within the seconds asked for.
    mean_wait : float
        Seconds in the queue, those who give up included.
    abandonment : float
        Share of calls that are given up.
    occupancy : float
        Share of their time that agents are busy.
    """

    wait_probability: float
    service_level: float
    mean_wait: float
    abandonment: float
    occupancy: float


def erlang_b(load: float, agents: int) -> float:
    """Share of calls that find all agents busy, where nobody waits.

    Parameters
    ----------
    load : float
        Offered load in Erlangs: calls a second times seconds of service.
    agents : int
        From 0 on.

    Raises
    ------
    ParamsError
        For a negative load or a negative number of agents.

    Examples
    --------
    >>> round(erlang_b(10, 14), 4)
    0.0568
    >>> erlang_b(-1, 3)
    Traceback (most recent call last):
    ...
    afraz.errors.ParamsError: a queue needs a load from 0 on and a whole number of agents from 0 on, got -1 and 3
    """
    if not (load >= 0 and math.isfinite(load)) or agents < 0 or agents != int(agents):
        raise ParamsError(
            f"a queue needs a load from 0 on and a whole number of agents from 0 on, got {load:g} and {agents}"
        )
    blocked = 1.0
    for n in range(1, int(agents) + 1):
        blocked = load * blocked / (n + load * blocked)
    return blocked


def erlang_c(load: float, agents: int) -> float:
    """Share of calls that wait, where everybody waits; 1 where the load is more than the agents can do.

    Examples
    --------
    >>> round(erlang_c(10, 14), 4), erlang_c(10, 10)
    (0.1741, 1.0)
    """
    blocked = erlang_b(load, agents)
    if load >= agents:
        return 1.0 if load else 0.0
    return blocked / (1 - load / agents * (1 - blocked))


def queue(rate: float, service_seconds: float, agents: int, *, within: float = 20.0,
          patience: float = math.inf) -> Queue:  # fmt: skip
    """Describe a queue in steady state.

    Parameters
    ----------
    rate : float
        Calls a second.
    service_seconds : float
        Mean time that a call takes an agent.
    agents : int
        Agents at work.
    within : float
        Seconds that the service level speaks of.
    patience : float
        Mean seconds that a caller would wait: infinite is Erlang C, 0 is Erlang B, anything between is Erlang A.

    Returns
    -------
    Queue

    Raises
    ------
    ParamsError
        For a service time that is not positive, or a negative rate, patience or ``within``.

    Examples
    --------
    A hundred calls in half an hour of three minutes each:

    >>> found = queue(100 / 1800, 180, 14)
    >>> round(found.wait_probability, 4), round(found.service_level, 4), round(found.occupancy, 4)
    (0.1741, 0.8884, 0.7143)
    >>> short = queue(100 / 1800, 180, 14, patience=120)
    >>> short.wait_probability < found.wait_probability, 0 < short.abandonment < erlang_b(10, 14)
    (True, True)
    """
    if not service_seconds > 0 or rate < 0 or patience < 0 or within < 0 or math.isnan(patience):
        raise ParamsError(
            "a queue needs a positive service time and a rate, a patience and seconds to answer from 0 on, got "
            f"{service_seconds:g}, {rate:g}, {patience:g} and {within:g}"
        )
    load = rate * service_seconds
    if load == 0:
        return Queue(0.0, 1.0, 0.0, 0.0, 0.0)
    if agents == 0 and math.isinf(patience):
        return Queue(1.0, 0.0, math.inf, 0.0, 1.0)
    if math.isinf(patience):
        return _patient(load, service_seconds, agents, within)
    if patience == 0 or agents == 0:
        blocked = erlang_b(load, agents)
        return Queue(blocked, 1 - blocked, blocked * patience, blocked, load * (1 - blocked) / max(agents, 1))
    return _impatient(rate, service_seconds, agents, within, patience)


def _patient(load: float, service_seconds: float, agents: int, within: float) -> Queue:
    waits = erlang_c(load, agents)
    if load >= agents:
        return Queue(1.0, 0.0, math.inf, 0.0, 1.0)
    left = agents - load
    level = 1 - waits * math.exp(-left * within / service_seconds)
    return Queue(waits, level, waits * service_seconds / left, 0.0, load / agents)


def _impatient(rate: float, service_seconds: float, agents: int, within: float, patience: float) -> Queue:
    # Palm: with x = agents/service × patience and y = rate × patience, the offered wait of those who wait has a density
    # proportional to exp(y(1 - e^(-v/patience)) - x v/patience), so all is said by the incomplete gamma function.
    x, y = agents * patience / service_seconds, rate * patience
    relative = y / x
    inverse = _inverse_kummer(x, y)
    blocked = erlang_b(rate * service_seconds, agents)
    waits = blocked / (inverse + (1 - inverse) * blocked)
    served = (1 - inverse) / relative  # of those who wait
    shrunk = y * math.exp(-within / patience)
    beyond = math.exp(_log_beyond(x, y, within / patience))
    soon = served - beyond * (1 - _inverse_kummer(x, shrunk)) / relative
    given_up = waits * (1 - served)
    level = min(max(1 - waits + waits * soon, 0.0), 1.0)
    return Queue(waits, level, given_up * patience, given_up, rate * service_seconds * (1 - given_up) / agents)


def _log_beyond(x: float, y: float, time: float) -> float:
    """Log of the chance that the offered wait of those who wait exceeds ``time`` (in units of patience)."""
    shrunk = y * math.exp(-time)
    if y < x:
        ratio = _inverse_kummer(x, y) / _inverse_kummer(x, shrunk)
        return -x * time - y * math.expm1(-time) + math.log(ratio)
    if shrunk >= x:
        return math.log(gammainc(x, shrunk) / gammainc(x, y))
    log_p = x * math.log(shrunk) - shrunk - gammaln(x + 1) - math.log(_inverse_kummer(x, shrunk))
    return float(log_p - math.log(gammainc(x, y)))


def _inverse_kummer(x: float, y: float) -> float:
    """Give 1 / M(1, x + 1, y) = y^x e^-y / (Γ(x + 1) P(x, y)): 1 - y/x for large x, and 1 for y = 0."""
    if y >= x:
        return float(np.exp(x * math.log(y) - y - gammaln(x + 1)) / gammainc(x, y))
    terms = math.ceil(min(-37 / math.log(y / x), math.sqrt(74 * x) + 40)) + 1 if y > 0 else 1
    return 1 / (1.0 + float(np.cumprod(y / (x + np.arange(1, terms + 1))).sum()))
