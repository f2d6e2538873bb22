"""What is made of some rows is made once, and trees are those of rows binned anew."""

import numpy as np
import pytest

from afraz.models import gbm
from afraz.models.promotion.inputs import Inputs

from .trials import TREES, Simulated, names, simulate


@pytest.fixture(scope="module")
def trial() -> Simulated:
    return simulate(1500, seed=3)


def test_rows_binned_once_give_the_trees_of_rows_binned_anew(trial: Simulated) -> None:
    inputs, inside = Inputs.of(trial.x, names(trial.x)), trial.treated == 1
    parameters = gbm.lightgbm_parameters(TREES, seed=1)
    for target in (trial.outcome, 1 - trial.outcome, trial.without):
        kept = inputs.part(inside).train(target[inside], parameters, 10)
        anew = gbm.train(gbm.dataset(trial.x[inside], target[inside], inputs.names), parameters, 10)
        assert kept.model_to_string() == anew.model_to_string()


def test_an_appended_column_is_no_part_of_what_is_kept_without_it(trial: Simulated) -> None:
    inputs, parameters = Inputs.of(trial.x, names(trial.x)), gbm.lightgbm_parameters(TREES, seed=1)
    told = [inputs.train(trial.outcome, parameters, 5, column) for column in (None, trial.treated, 1 - trial.treated)]
    assert [booster.num_feature() for booster in told] == [8, 9, 9]
    x = np.column_stack([trial.x, 1 - trial.treated])
    anew = gbm.train(gbm.dataset(x, trial.outcome, [*inputs.names, "appended_0"]), parameters, 5)
    assert told[2].model_to_string() == anew.model_to_string()


def test_equal_rows_are_read_once_however_they_were_reached(trial: Simulated, monkeypatch: pytest.MonkeyPatch) -> None:
    inputs, read = Inputs.of(trial.x, names(trial.x)), []
    dataset = gbm.dataset
    monkeypatch.setattr(gbm, "dataset", lambda x, *rest, **more: read.append(len(x)) or dataset(x, *rest, **more))
    parameters, first = gbm.lightgbm_parameters(TREES, seed=1), np.arange(1500) < 900
    inputs.part(first).train(trial.outcome[first], parameters, 2)
    inputs.part(trial.x[:, 0] < np.inf).part(first).train(trial.without[first], parameters, 2)
    inputs.part(~first).train(trial.outcome[~first], parameters, 2)
    assert read == [900, 600]
