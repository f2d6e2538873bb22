"""Agents for a promise."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from afraz.errors import ParamsError
from afraz.models.support.erlang import queue
from afraz.models.support.staffing import Service, agents_needed, mean_patience, staffing_table


def test_the_golden_half_hour_takes_14_agents_and_20_on_the_roster() -> None:
    found = agents_needed(100 / 1800, 180, Service())
    assert (found.agents, found.scheduled) == (14, 20)


def test_occupancy_can_bind_where_the_promise_does_not() -> None:
    relaxed = agents_needed(400 / 1800, 180, Service(most_occupancy=1.0))
    bound = agents_needed(400 / 1800, 180, Service(most_occupancy=0.85))
    assert relaxed.queue.occupancy > 0.85 >= bound.queue.occupancy
    assert bound.agents > relaxed.agents


@settings(max_examples=40, deadline=None)
@given(st.floats(0.001, 0.3), st.floats(20, 600), st.sampled_from([30.0, 300.0, math.inf]))
def test_one_agent_fewer_would_break_the_promise(rate: float, seconds: float, patience: float) -> None:
    service = Service()
    found = agents_needed(rate, seconds, service, patience)
    kept = queue(rate, seconds, found.agents, within=20, patience=patience)
    assert kept.service_level >= 0.8
    assert kept.occupancy <= 0.85 + 1e-9
    if found.agents > service.least_agents:
        fewer = queue(rate, seconds, found.agents - 1, within=20, patience=patience)
        assert fewer.service_level < 0.8 or fewer.occupancy > 0.85
    assert found.scheduled >= found.agents / 0.7 - 1e-6


def test_patience_counts_those_who_were_answered() -> None:
    rng = np.random.default_rng(3)
    patience, offered = rng.exponential(200, 40_000), rng.exponential(60, 40_000)
    waited = pd.Series(np.minimum(patience, offered))
    assert mean_patience(waited, pd.Series(patience < offered)) == pytest.approx(200, rel=0.05)
    assert mean_patience(pd.Series([5.0, np.nan]), pd.Series([False, True])) == math.inf


def test_a_closed_hour_has_no_agent_and_a_quiet_one_has_spare_time() -> None:
    rates = pd.DataFrame(
        {"weekday": [0, 0, 0], "hour": [3, 9, 10], "calls": [0.0, 1.0, 60.0], "open": [False, True, True]}
    )
    found = staffing_table(rates, 240, Service(least_agents=2), 300.0)
    assert found["agents"].tolist()[0] == 0
    assert found["agents"].tolist()[1] == 2
    assert found["spare_hours"].tolist()[0] == 0
    assert found.loc[1, "spare_hours"] == pytest.approx(2 * 0.85 - 240 / 3600)
    assert (found["agents_impatient"] <= found["agents"]).all()


def test_shrinkage_of_all_time_is_refused() -> None:
    with pytest.raises(ParamsError, match="service setting shrinkage: input should be less than 1"):
        Service(shrinkage=1.0)
