"""Time until the next contact."""

import numpy as np
import pandas as pd
import pytest

from afraz.errors import DataError
from afraz.models.support.survival import come_back, kaplan_meier, share_by

# Freireich et al. 1963, weeks in remission on 6-MP, 12 of 21 censored
WEEKS = [6, 6, 6, 6, 7, 9, 10, 10, 11, 13, 16, 17, 19, 20, 22, 23, 25, 32, 32, 34, 35]
SEEN = [1, 1, 1, 0, 1, 0, 1, 0, 0, 1, 1, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0]


def test_the_textbook_curve_and_its_errors() -> None:
    found = kaplan_meier(WEEKS, SEEN)
    assert found["at_risk"].tolist() == [21, 17, 15, 12, 11, 7, 6]
    assert found["survival"].round(4).tolist() == [0.8571, 0.8067, 0.7529, 0.6902, 0.6275, 0.5378, 0.4482]
    # log(-log) limits at 10 weeks as R's survfit(conf.type = "log-log") prints them: 0.503 and 0.889
    assert found.loc[2, ["low", "high"]].round(3).tolist() == [0.503, 0.889]


def test_censoring_is_respected() -> None:
    rng = np.random.default_rng(2)
    event, end = rng.exponential(50, 20_000), rng.uniform(0, 100, 20_000)
    curve = kaplan_meier(np.minimum(event, end), event <= end)
    assert share_by(curve, 60) == pytest.approx(np.exp(-60 / 50), abs=0.015)
    naive = (np.minimum(event, end) > 60).mean()
    assert abs(naive - np.exp(-60 / 50)) > 0.1, "without censoring the answer is far off"


def test_before_the_first_event_all_are_there_and_negative_times_are_refused() -> None:
    assert share_by(kaplan_meier([5.0, 7.0], [True, False]), 4) == 1.0
    assert kaplan_meier([], []).empty
    with pytest.raises(DataError, match="2 times are negative or missing"):
        kaplan_meier([1.0, -1.0, np.nan], [True, True, True])


def test_groups_are_told_apart() -> None:
    cases = pd.DataFrame({"days": [2.0] * 30 + [200.0] * 30, "came_back": [True] * 30 + [False] * 30,
                          "resolved": [False] * 30 + [True] * 30})  # fmt: skip
    found = come_back(cases, ["resolved", "absent"]).set_index("part")
    assert found.loc["False", "back_7"] == 1
    assert found.loc["True", "back_90"] == 0
    assert found.loc["all", "back_7"] == pytest.approx(0.5)
    assert np.isnan(found.loc["True", "median_days"])
    assert found.loc["False", "median_days"] == 2
