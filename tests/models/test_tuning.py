"""Tuning: a killed study ends as if it had not been interrupted."""

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pandas as pd
import pytest

from afraz.errors import ParamsError, StageError
from afraz.models import tuning

SPACE = {
    "x": {"type": "float", "low": -2.0, "high": 2.0},
    "n": {"type": "int", "low": 1, "high": 50, "log": True},
    "kind": {"type": "choice", "values": ["a", "b"]},
}
TRIALS = 14


def _loss(parameters: dict, report: tuning.Report) -> float:
    value = (parameters["x"] - 0.7) ** 2 + parameters["n"] / 50 + (parameters["kind"] == "b")
    for step in range(3):
        report(step, value + (3 - step) * 0.1)
    return value


def _tune(folder: Path | None, objective: tuning.Objective = _loss, trials: int = TRIALS) -> tuning.Tuning:
    return tuning.tune(objective, SPACE, n_trials=trials, seed=5, name="study", folder=folder, first={"x": 0.0, "n": 9})


class _Killed(BaseException):
    """What no handler between the objective and the test catches."""


def _killed_after(calls: int) -> tuning.Objective:
    seen = 0

    def objective(parameters: dict, report: tuning.Report) -> float:
        nonlocal seen
        seen += 1
        if seen > calls:
            report(0, 0.5)
            raise _Killed
        return _loss(parameters, report)

    return objective


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory) -> tuning.Tuning:
    return _tune(tmp_path_factory.mktemp("whole"))


def test_some_trials_are_pruned_and_the_best_is_kept(uninterrupted: tuning.Tuning) -> None:
    trials = uninterrupted.trials
    assert len(trials) == TRIALS
    assert set(trials["state"]) == {"complete", "pruned"}
    assert trials.loc[trials["state"] == "pruned", "steps"].max() <= 3
    best = trials[trials["state"] == "complete"].sort_values("loss").iloc[0]
    assert best["loss"] == uninterrupted.best_value == trials["best_so_far"].iloc[-1]
    assert best["x"] == uninterrupted.best["x"]


def test_the_first_trial_is_the_one_that_was_asked_for(uninterrupted: tuning.Tuning) -> None:
    assert uninterrupted.trials.loc[0, ["x", "n"]].tolist() == [0.0, 9]


@pytest.mark.parametrize("finished", [0, 1, 9])
def test_a_study_that_died_in_a_trial_ends_as_an_uninterrupted_one(
    finished: int, tmp_path: Path, uninterrupted: tuning.Tuning
) -> None:
    with pytest.raises(_Killed, match="^$"):
        _tune(tmp_path, _killed_after(finished))
    resumed = _tune(tmp_path)
    pd.testing.assert_frame_equal(resumed.trials, uninterrupted.trials)
    assert resumed.best == uninterrupted.best


def test_a_process_that_was_killed_twice_leaves_a_study_that_ends_the_same(
    tmp_path: Path, uninterrupted: tuning.Tuning
) -> None:
    script = tmp_path / "killed.py"
    script.write_text(
        textwrap.dedent(f"""
        import importlib.util, os, signal, sys
        from pathlib import Path
        spec = importlib.util.spec_from_file_location("tests_tuning", {str(Path(__file__))!r})
        module = importlib.util.module_from_spec(spec); spec.loader.exec_module(module)
        seen = 0
        def objective(parameters, report):
            global seen
            seen += 1
            if seen > 4:
                os.kill(os.getpid(), signal.SIGKILL)
            return module._loss(parameters, report)
        module._tune(Path({str(tmp_path / "studies")!r}), objective)
        """)
    )
    for _ in range(2):
        died = subprocess.run([sys.executable, str(script)], check=False, env=os.environ, timeout=120)
        assert died.returncode == -signal.SIGKILL
    resumed = _tune(tmp_path / "studies")
    pd.testing.assert_frame_equal(resumed.trials, uninterrupted.trials)


def test_a_half_written_last_line_is_cut_off(tmp_path: Path, uninterrupted: tuning.Tuning) -> None:
    with pytest.raises(_Killed, match="^$"):
        _tune(tmp_path, _killed_after(3))
    with (tmp_path / "study.journal").open("ab") as journal:
        journal.write(b'{"op_code":4,"study_')
    pd.testing.assert_frame_equal(_tune(tmp_path).trials, uninterrupted.trials)


def test_a_finished_study_is_not_run_again_and_more_trials_continue_it(
    tmp_path: Path, uninterrupted: tuning.Tuning
) -> None:
    _tune(tmp_path, trials=TRIALS - 4)
    calls: list[dict] = []

    def counted(parameters: dict, report: tuning.Report) -> float:
        calls.append(parameters)
        return _loss(parameters, report)

    _tune(tmp_path, counted, trials=TRIALS - 4)
    assert not calls
    longer = _tune(tmp_path, counted)
    assert len(calls) == 4
    pd.testing.assert_frame_equal(longer.trials, uninterrupted.trials)
    pd.testing.assert_frame_equal(_tune(tmp_path, trials=5).trials, uninterrupted.trials[:5])


def test_memory_and_journal_give_the_same_trials(uninterrupted: tuning.Tuning) -> None:
    pd.testing.assert_frame_equal(_tune(None).trials, uninterrupted.trials)


def test_a_study_in_use_is_refused(tmp_path: Path) -> None:
    with (
        tuning._alone(tmp_path / "study.lock"),
        pytest.raises(StageError, match="another process is tuning this study"),
        tuning._alone(tmp_path / "study.lock", patience_seconds=0.1),
    ):
        pass


@pytest.mark.parametrize(
    "entry",
    [{"type": "real", "low": 0, "high": 1}, {"type": "int", "low": 3}, {"type": "float", "low": 2.0, "high": 1.0}],
)
def test_a_malformed_space_is_refused_by_name(entry: dict) -> None:
    with pytest.raises(ParamsError, match="search space of 'x' is malformed"):
        tuning.tune(_loss, {"x": entry}, n_trials=1, seed=1, name="s")


def test_no_trials_are_refused() -> None:
    with pytest.raises(ParamsError, match="at least 1 trial"):
        tuning.tune(_loss, SPACE, n_trials=0, seed=1, name="s")
