"""Queues: published numbers, the limits of patience, and what can only rise or fall."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import expm

from afraz.errors import ParamsError
from afraz.models.support.erlang import erlang_b, erlang_c, queue

loads = st.floats(0.05, 60)
agents = st.integers(1, 80)


def test_erlang_b_and_c_are_those_of_published_tables() -> None:
    # Erlang B: traffic of 1 % blocking on 10 lines is 4.46 Erlangs (ITU-T); Erlang C: 10 Erlangs on 14 agents
    assert erlang_b(4.46, 10) == pytest.approx(0.01, abs=5e-5)
    assert erlang_b(1, 1) == pytest.approx(0.5)
    assert erlang_c(0.5, 1) == pytest.approx(0.5), "M/M/1: the load"
    assert erlang_c(10, 14) == pytest.approx(0.1741, abs=5e-5)


def test_a_hundred_calls_in_half_an_hour() -> None:
    found = queue(100 / 1800, 180, 14)
    assert found.service_level == pytest.approx(0.8884, abs=5e-5)
    assert found.occupancy == pytest.approx(0.7143, abs=5e-5)
    assert found.wait_probability == pytest.approx(0.1741, abs=5e-5)
    assert found.mean_wait == pytest.approx(0.17413193 * 180 / 4, abs=1e-4)
    assert found.abandonment == 0


@pytest.mark.parametrize(("rate", "patience", "within"), [(100, 120, 20), (160, 120, 20), (90, 30, 10), (125, 600, 5)])
def test_erlang_a_is_what_its_birth_and_death_process_says(rate: float, patience: float, within: float) -> None:
    calls, service, n = rate / 1800, 180.0, 14
    weight = [1.0]
    for j in range(1, 2_000):
        weight.append(weight[-1] * calls / (min(j, n) / service + max(j - n, 0) / patience))
    total = sum(weight)
    found = queue(calls, service, n, within=within, patience=patience)
    assert found.wait_probability == pytest.approx(sum(weight[n:]) / total, rel=1e-9)
    lost = sum(w * (j - n) / patience for j, w in enumerate(weight) if j > n) / total / calls
    assert found.abandonment == pytest.approx(lost, rel=1e-9)
    soon = _served_within(weight, total, calls, service, n, patience, within)
    assert found.service_level == pytest.approx(soon, abs=1e-9)


def _served_within(weight, total, calls, service, n, patience, within):  # type: ignore[no-untyped-def]
    """Answered within a time: a caller with k ahead moves up as they leave or are served, and may give up."""
    most = 150
    moves = np.zeros((most + 2, most + 2))  # states: served, then 0, 1, … ahead
    for k in range(most + 1):
        moves[k + 1, k] = n / service + k / patience
        moves[k + 1, k + 1] = -moves[k + 1, k] - 1 / patience
    served = expm(moves * within)[1:, 0]
    met = np.array(weight[n : n + most + 1]) / total
    return sum(weight[:n]) / total + float((met * served).sum())


def test_endless_patience_is_erlang_c_and_none_is_erlang_b() -> None:
    patient, impatient = queue(100 / 1800, 180, 14), queue(100 / 1800, 180, 14, patience=0)
    near, hasty = (queue(100 / 1800, 180, 14, patience=seconds) for seconds in (1e10, 1e-9))
    for name in ("wait_probability", "service_level", "mean_wait", "abandonment", "occupancy"):
        assert getattr(near, name) == pytest.approx(getattr(patient, name), abs=1e-6)
        assert getattr(hasty, name) == pytest.approx(getattr(impatient, name), abs=1e-6)
    assert impatient.abandonment == pytest.approx(erlang_b(10, 14))


@settings(max_examples=60, deadline=None)
@given(loads, agents)
def test_b_is_below_c_and_both_fall_with_agents(load: float, n: int) -> None:
    b, c = erlang_b(load, n), erlang_c(load, n)
    assert 0 <= b <= c <= 1
    assert erlang_b(load, n + 1) <= b
    assert erlang_c(load, n + 1) <= c + 1e-12


@settings(max_examples=60, deadline=None)
@given(loads, agents, st.floats(1, 5_000))
def test_impatience_lies_between_b_and_c(load: float, n: int, patience: float) -> None:
    found = queue(load / 180, 180, n, patience=patience)
    assert erlang_b(load, n) - 1e-9 <= found.wait_probability <= erlang_c(load, n) + 1e-9
    assert 0 <= found.abandonment <= erlang_b(load, n) + 1e-9
    assert 0 <= found.service_level <= 1
    assert found.occupancy <= 1 + 1e-9
    assert queue(load / 180, 180, n + 1, patience=patience).service_level >= found.service_level - 1e-9


def test_nobody_calls_and_nobody_is_there() -> None:
    assert queue(0, 180, 0).service_level == 1
    assert queue(0.01, 180, 0).service_level == 0
    assert queue(0.01, 180, 0, patience=60).abandonment == 1
    assert queue(0.1, 180, 5).mean_wait == math.inf, "more load than agents: the queue grows for ever"


@pytest.mark.parametrize("wrong", [{"service_seconds": 0}, {"rate": -1}, {"patience": -1}, {"patience": math.nan}])
def test_what_cannot_be_a_queue_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ParamsError, match="a queue needs a positive service time"):
        queue(**{"rate": 0.1, "service_seconds": 180, "agents": 3, **wrong})  # type: ignore[arg-type]
