"""A resumable search: a study that was killed and resumed ends as if it had never been interrupted.

Optuna alone doesn't promise that: a sampler keeps a random state that dies with the process, and the trial that was
running is left behind. Here each trial gets a fresh sampler, seeded by the number of finished trials; what a dead
process left running is failed and doesn't count; and a half-written last line of the journal is cut off.
"""

import fcntl
import hashlib
import json
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import optuna
import pandas as pd
from optuna.storages.journal import JournalFileBackend, JournalFileOpenLock
from optuna.trial import FrozenTrial, TrialState

from ..errors import ParamsError, StageError

Report = Callable[[int, float], None]
Objective = Callable[[dict[str, Any], Report], float]
FINISHED = (TrialState.COMPLETE, TrialState.PRUNED)


@dataclass(frozen=True)
class Tuning:
    """The best parameters, and every finished trial in the order in which it finished."""

    best: dict[str, Any]
    best_value: float
    trials: pd.DataFrame
    study: str


def study_name(*parts: Any) -> str:
    """Digest what determines a study: data, space, seed, code. Another digest, another study.

    Examples
    --------
    >>> study_name({"seed": 1}) == study_name({"seed": 1})
    True
    >>> study_name({"seed": 1}) == study_name({"seed": 2})
    False
    """
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part if isinstance(part, bytes) else json.dumps(part, sort_keys=True, default=str).encode())
        digest.update(b"\0")
    return digest.hexdigest()[:24]


def tune(
    objective: Objective,
    space: Mapping[str, Mapping[str, Any]],
    *,
    n_trials: int,
    seed: int,
    name: str,
    folder: Path | None = None,
    first: Mapping[str, Any] | None = None,
) -> Tuning:
    """Minimise an objective over a space.

    Parameters
    ----------
    objective : callable of (parameters, report) → loss
        It calls ``report(step, value)`` with intermediate values; where other trials had better ones at that step,
        ``report`` raises and the trial is pruned. It must be deterministic.
    space : mapping
        Name → ``{"type": "int" | "float", "low", "high", "log"?}`` or ``{"type": "choice", "values"}``.
    n_trials : int
        Finished trials, pruned ones included.
    name : str
        From :func:`study_name`.
    folder : Path, optional
        Where the journal is kept. None: in memory, not resumable.
    first : mapping, optional
        Parameters of the first trial.

    Raises
    ------
    ParamsError
        If the space is empty or malformed, or there is no trial.
    StageError
        If another process is tuning this very study.

    Examples
    --------
    >>> space = {"x": {"type": "float", "low": -1.0, "high": 1.0}}
    >>> found = tune(lambda p, report: p["x"] ** 2, space, n_trials=3, seed=1, name="square", first={"x": 0.0})
    >>> found.best, len(found.trials)
    ({'x': 0.0}, 3)
    """
    if n_trials < 1 or not space:
        raise ParamsError(f"tuning needs at least 1 trial and 1 parameter, got {n_trials} and {len(space)}")
    distributions = {key: _distribution(key, entry) for key, entry in sorted(space.items())}
    shown = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        if folder is None:
            return _run(optuna.storages.InMemoryStorage(), objective, distributions, n_trials, seed, name, first)
        folder.mkdir(parents=True, exist_ok=True)
        with _alone(folder / f"{name}.lock"):
            journal = folder / f"{name}.journal"
            _cut_half_line(journal)
            storage = optuna.storages.JournalStorage(JournalFileBackend(str(journal), lock_obj=_NoLock(str(journal))))
            return _run(storage, objective, distributions, n_trials, seed, name, first)
    finally:
        optuna.logging.set_verbosity(shown)


def _run(
    storage: optuna.storages.BaseStorage,
    objective: Objective,
    distributions: dict[str, optuna.distributions.BaseDistribution],
    n_trials: int,
    seed: int,
    name: str,
    first: Mapping[str, Any] | None,
) -> Tuning:
    study = optuna.create_study(
        storage=storage,
        study_name=name,
        direction="minimize",
        load_if_exists=True,
        pruner=optuna.pruners.MedianPruner(n_startup_trials=4),
    )
    for stale in study.get_trials(deepcopy=False, states=(TrialState.RUNNING, TrialState.WAITING)):
        study.tell(stale.number, state=TrialState.FAIL)
    while (done := len(study.get_trials(deepcopy=False, states=FINISHED))) < n_trials:
        study.sampler = optuna.samplers.TPESampler(seed=seed + done, n_startup_trials=8)
        if done == 0 and first is not None:
            study.enqueue_trial({key: first[key] for key in distributions if key in first})
        trial = study.ask(distributions)
        try:
            value = objective(dict(trial.params), _reporter(trial))
        except optuna.TrialPruned:
            study.tell(trial, state=TrialState.PRUNED)
        else:
            study.tell(trial, value)
    finished = study.get_trials(deepcopy=False, states=FINISHED)[:n_trials]
    complete = [t for t in finished if t.state == TrialState.COMPLETE]
    best = min(complete, key=lambda t: (t.value, t.number))
    assert best.value is not None
    return Tuning(dict(best.params), float(best.value), _trials(finished, list(distributions)), name)


def _reporter(trial: optuna.Trial) -> Report:
    def report(step: int, value: float) -> None:
        trial.report(value, step)
        if trial.should_prune():
            raise optuna.TrialPruned()

    return report


def _trials(finished: list[FrozenTrial], names: list[str]) -> pd.DataFrame:
    """Without times and without the numbers that Optuna gave: both differ after an interruption."""
    rows, best = [], float("inf")
    for number, trial in enumerate(finished):
        complete = trial.state == TrialState.COMPLETE
        best = min(best, trial.value if complete and trial.value is not None else best)
        last = trial.value if complete else trial.intermediate_values[max(trial.intermediate_values)]
        steps = len(trial.intermediate_values)
        row = {"trial": number, "state": trial.state.name.lower(), "steps": steps, "loss": last, "best_so_far": best}
        rows.append({**row, **{name: trial.params[name] for name in names}})
    return pd.DataFrame(rows)


def _distribution(name: str, entry: Mapping[str, Any]) -> optuna.distributions.BaseDistribution:
    try:
        if entry["type"] == "choice":
            return optuna.distributions.CategoricalDistribution(list(entry["values"]))
        kinds = {"int": optuna.distributions.IntDistribution, "float": optuna.distributions.FloatDistribution}
        return kinds[entry["type"]](entry["low"], entry["high"], log=bool(entry.get("log", False)))
    except (KeyError, TypeError, ValueError) as problem:
        raise ParamsError(
            f"search space of {name!r} is malformed ({problem}): expected type int or float with low, high, log; "
            "or type choice with values"
        ) from None


class _NoLock(JournalFileOpenLock):
    """The whole study is locked already, by a lock that dies with its process; Optuna's own would outlive a kill."""

    def acquire(self) -> bool:
        return True

    def release(self) -> None:
        return None


@contextmanager
def _alone(lock: Path, patience_seconds: float = 30.0) -> Iterator[None]:
    with lock.open("a") as held:
        until = time.monotonic() + patience_seconds
        while True:
            try:
                fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > until:
                    raise StageError(
                        f"another process is tuning this study ({lock.stem}): wait for it or end it, then run again"
                    ) from None
                time.sleep(0.2)
        yield


def _cut_half_line(journal: Path) -> None:
    """Drop what a killed process wrote after the last complete line; the next line would be glued to it."""
    if not journal.exists():
        return
    with journal.open("rb+") as stream:
        content = stream.read()
        whole = content.rfind(b"\n") + 1
        if whole < len(content):
            stream.truncate(whole)
            stream.flush()
            os.fsync(stream.fileno())
