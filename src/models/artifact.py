"""A model as a folder without pickle: JSON, LightGBM text, and the code that runs them.

``model.json`` (format 1) of a model that scores; one that assigns segments has ``lenses`` instead of heads and outputs,
described at ``pyfunc_segments.py``::

    {"format": 1, "model": "churn", "files": {file: sha256},            # files: written by save_artifact
     "features": [{"name", "type": "double", "reference": double?},
                  {"name", "type": "text", "levels": {text: double}, "missing": double|null, "other": double}],
     "heads": [{"name", "kind": "lightgbm", "file", "append": [doubles]?},
               {"name", "kind": "linear", "intercept", "coefficients", "means", "scales",
                "impute"?, "lower"?, "upper"?, "missing_coefficients"?, "missing_shares"?},
               {"name", "kind": "scorecard", "intercept", "coefficients", "reference_terms",
                "bins": [{"splits": [doubles, rising], "woe": [one more than splits], "missing": double} | null],
                "scaling": {"pdo", "odds", "points", "factor", "offset"}},
               {"name", "kind": "blend", "parts": [names of other heads], "weights": [one per part]},
               {"name", "kind": "two_part", "parts": [sign, gain, loss: names of other heads]},
               {"name", "kind": "contrast", "parts": [with the offer, without it], "link": "logit"|"identity"}],
     "outputs": [{"name", "head", "knots_margin", "knots_log_odds", "link": "logit"|"identity"?},
                 {"name", "head", "knots_margin"?, "knots_log_odds"?, "link": "points", "factor", "offset"}]}

``learned_until`` (optional) is the date at which the last outcome was known that the model learned from.
The lists of a linear head have one entry per feature (see ``pyfunc_model.linear_terms``; ``missing_shares`` of the
training rows serve explanations only). So do those of a scorecard: its margin, the log-odds of the event, is the
intercept plus coefficient × weight of evidence of each value's bin (null and 0 for a feature that is not used), where a
value equal to a split belongs to the bin on its right; ``reference_terms`` are the means of these terms in training and
serve explanations only, ``scaling`` prints points. Texts of a scorecard have the number of their bin as level.
A blend is the weighted sum of the margins of its parts; two parts give an amount (``pyfunc_model.two_part``), a
contrast what an offer changes. What a head of trees appends to the features are inputs that the model sets itself.
Outputs that read the same head are horizons of one event, listed from short to long, except those in points:
``offset - factor * log-odds``, the log-odds being those of the knots where there are any. ``reference`` is the value
that counts as usual (the training median); reasons call a value high or low against it.
"""

import importlib.metadata
import json
import os
import shutil
import sys
import types
from pathlib import Path
from typing import Any

import lightgbm as lgb
import numpy as np
import pandas as pd

from .. import digests
from ..digests import file_digest
from ..errors import ArtifactError
from . import pyfunc_model, pyfunc_segments
from .artifact_spec import check_booster, check_segments, check_spec

SPEC, CODE = "model.json", "pyfunc.py"
SCORE_ROWS = 100_000  # encoded at once
MLFLOW_FILES = {
    "MLmodel", "conda.yaml", "python_env.yaml", "requirements.txt", "constraints.txt", "registered_model_meta",
    "input_example.json", "serving_input_example.json",
}  # fmt: skip
PINNED = ("mlflow", "lightgbm", "numpy", "pandas")


class Artifact:
    """A model that can be applied, saved and explained.

    Parameters
    ----------
    spec : dict
        See the module's text; checked here.
    boosters : dict of str to lightgbm.Booster
        One per head of kind lightgbm. They are passed through their text form, so that predictions at training time are
        those of the saved file.

    Raises
    ------
    ArtifactError
        If the spec is incomplete or a booster cannot be kept faithfully: see ``artifact_spec``.

    Examples
    --------
    >>> spec = {"format": 1, "model": "toy", "features": [{"name": "age", "type": "double"}],
    ...         "heads": [{"name": "leave", "kind": "linear", "intercept": -1.0, "coefficients": [0.5], "means": [40.0],
    ...                    "scales": [10.0]}],
    ...         "outputs": [{"name": "leave_90", "head": "leave", "knots_margin": [-3, 3], "knots_log_odds": [-3, 3]}]}
    >>> toy = Artifact(spec, {})
    >>> toy.predict(pd.DataFrame({"age": [40, 60]})).round(3)
       leave_90
    0     0.269
    1     0.500
    >>> toy.predict(pd.DataFrame({"Age": [40]}))
    Traceback (most recent call last):
    ...
    afraz.errors.ArtifactError: 1 of 1 columns of model 'toy' are missing: age; add them
    """

    def __init__(self, spec: dict[str, Any], boosters: dict[str, lgb.Booster]) -> None:
        _check(spec, set(boosters))
        texts = {name: booster_text(booster) for name, booster in boosters.items()}
        appended = {head["name"]: len(head.get("append") or ()) for head in spec.get("heads", ())}
        for name, text in texts.items():
            check_booster(name, text, spec["features"], appended.get(name, 0))
        rebuilt = {name: lgb.Booster(model_str=text) for name, text in texts.items()}
        if _assigns(spec):
            self._adopt(pyfunc_segments.Predictor(spec), pyfunc_segments)
        else:
            self._adopt(pyfunc_model.Predictor(spec, rebuilt), pyfunc_model)

    def _adopt(self, predictor: Any, code: types.ModuleType) -> None:
        self.predictor = predictor
        self._code = code

    @property
    def spec(self) -> dict[str, Any]:
        """Content of ``model.json``."""
        return self.predictor.spec

    @property
    def boosters(self) -> dict[str, lgb.Booster]:
        """One per head of kind lightgbm."""
        return self.predictor.boosters

    @property
    def assigns(self) -> bool:
        """Whether the model assigns segments (it has lenses) instead of scoring (it has heads)."""
        return _assigns(self.spec)

    def matrix(self, frame: pd.DataFrame) -> np.ndarray:
        """Encode a table for the heads: float64, shape (rows, features)."""
        return self._call("matrix", frame)

    def margins(self, frame: pd.DataFrame) -> dict[str, np.ndarray]:
        """Give each head's uncalibrated score in log-odds; shape (rows,) each."""
        return self._call("margins", frame)

    def predict(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Score a table: one column per output, the index of ``frame``.

        Raises
        ------
        ArtifactError
            If a column is missing or holds text in a number.
        """
        return self._call("predict", frame)

    def score(self, frame: pd.DataFrame, output: str) -> np.ndarray:
        """Give one output alone, shape (rows,): heads that it does not read are not asked.

        Raises
        ------
        ArtifactError
            As :meth:`predict`.
        """
        head = next(o["head"] for o in self.spec["outputs"] if o["name"] == output)
        parts = []
        for start in range(0, max(len(frame), 1), SCORE_ROWS):
            rows = frame.iloc[start : start + SCORE_ROWS]
            silent = np.zeros(len(rows))
            asked = self.predictor.head_margin(head, self.matrix(rows))
            margins = {name: asked if name == head else silent for name in self.predictor.heads}
            parts.append(self.predictor.outputs(margins)[output])
        return np.concatenate(parts)

    def learned_until(self, last: pd.Timestamp, outcome_days: int = 0) -> "Artifact":
        """Say in the spec, as ``learned_until``, when the last outcome was known that the model learned from.

        Parameters
        ----------
        last : Timestamp
            The latest ``as_of`` among the rows learned from.
        outcome_days : int
            Days until the outcome of such a row is known.
        """
        until = f"{last + pd.Timedelta(days=outcome_days):%Y-%m-%d}"
        return Artifact({**self.spec, "learned_until": until}, {} if self.assigns else self.boosters)

    def save(self, folder: Path) -> None:
        """Write the model folder: :func:`save_artifact`."""
        save_artifact(self, folder)

    @property
    def predictor_module(self) -> types.ModuleType:
        """The prediction code that this model runs: its folder's own, or this project's for a new model."""
        return self._code

    def _call(self, method: str, frame: pd.DataFrame) -> Any:
        try:
            return getattr(self.predictor, method)(frame)
        except self._code.RefusedTableError as refused:
            raise ArtifactError(str(refused)) from None


def _assigns(spec: dict[str, Any]) -> bool:
    return "lenses" in spec


def _check(spec: dict[str, Any], boosters: set[str]) -> None:
    check_segments(spec) if _assigns(spec) else check_spec(spec, boosters)


def booster_text(booster: lgb.Booster) -> str:
    """Spell a booster as text without what depends on the machine, so that equal models are equal bytes."""
    lines = booster.model_to_string().splitlines(keepends=True)
    return "".join(line for line in lines if not line.startswith("[num_threads:"))


def save_artifact(artifact: Artifact, folder: Path) -> Path:
    """Write the folder: same model, same bytes. It is built beside and renamed, so a half-written one is never seen.

    Raises
    ------
    ArtifactError
        If ``folder`` holds something that is not a model.
    """
    folder = Path(folder)
    if folder.exists() and any(folder.iterdir()) and not (folder / SPEC).exists():
        raise ArtifactError(f"{folder.name} exists and is not a model folder (no {SPEC}): choose another place")
    partial = folder.with_name(f".{folder.name}.{os.getpid()}")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    (partial / CODE).write_bytes(Path(str(artifact._code.__file__)).read_bytes())
    for head in artifact.spec.get("heads", ()):
        if head["kind"] == "lightgbm":
            (partial / head["file"]).write_text(booster_text(artifact.boosters[head["name"]]), "utf-8", newline="\n")
    files = {place.name: file_digest(place) for place in sorted(partial.iterdir())}
    text = json.dumps({**artifact.spec, "files": files}, indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False)
    (partial / SPEC).write_text(text + "\n", "utf-8", newline="\n")
    shutil.rmtree(folder, ignore_errors=True)
    os.replace(partial, folder)
    return folder


def load_artifact(folder: Path, digest: str | None = None) -> Artifact:
    """Load a model folder, with the prediction code that it carries.

    Parameters
    ----------
    folder : Path
        What :func:`save_artifact` wrote.
    digest : str, optional
        What :func:`digest` said when the model was approved.

    Raises
    ------
    ArtifactError
        If the folder is incomplete, or any file differs from what was saved.
    """
    folder = Path(folder)
    spec = read_spec(folder)
    for name, expected in spec.get("files", {}).items():
        if not (folder / name).exists():
            raise ArtifactError(f"model folder {folder.name} lacks {name}: restore it (`dvc checkout`) or fit again")
        found = file_digest(folder / name)
        if found != expected:
            raise _altered(f"{folder.name}/{name}", expected, found)
    if digest is not None and (found := folder_digest(folder)) != digest:
        raise _altered(f"model folder {folder.name}", digest, found)
    _check(spec, {head["name"] for head in spec.get("heads", ()) if head["kind"] == "lightgbm"})
    code = _code_of(folder)
    artifact = Artifact.__new__(Artifact)
    artifact._adopt(code.Predictor.load(folder), code)
    return artifact


def folder_digest(folder: Path) -> str:
    """Name a model folder by its content: sha256 over file names and bytes, without what MLflow adds."""
    return digests.folder_digest(
        folder, lambda relative: relative.parts[0] in MLFLOW_FILES or "__pycache__" in relative.parts
    )


def log_kwargs(folder: Path) -> dict[str, Any]:
    """Give the arguments with which ``mlflow.pyfunc.log_model`` stores a model folder as it is.

    Models-from-code (nothing is pickled), the folder as the artifact ``model`` (so its digest can be checked in the
    registry: :func:`folder_digest` of :func:`folder_inside`), an explicit signature, and pinned requirements (MLflow
    would otherwise start a process to guess them).
    """
    folder = Path(folder)
    return {
        "python_model": str(folder / CODE),
        "artifacts": {"model": str(folder)},
        "signature": _code_of(folder).signature(read_spec(folder)),
        "pip_requirements": [f"{name}=={importlib.metadata.version(name)}" for name in PINNED],
    }


def folder_inside(mlflow_model: Path) -> Path:
    """Find the model folder inside a downloaded MLflow model.

    Raises
    ------
    ArtifactError
        If there is none: the model was not registered by this project.
    """
    found = sorted(Path(mlflow_model).glob(f"artifacts/*/{SPEC}"))
    if len(found) != 1:
        raise ArtifactError(
            f"{Path(mlflow_model).name} holds {len(found)} model folders, expected one: register it anew"
        )
    return found[0].parent


def learned_until(folder: Path) -> "pd.Timestamp | None":
    """Say when the last outcome was known that a model folder learned from; None where it does not tell."""
    stated = read_spec(Path(folder)).get("learned_until")
    return None if stated is None else pd.Timestamp(stated)


def read_spec(folder: Path) -> dict[str, Any]:
    """Read ``model.json`` without loading the model.

    Raises
    ------
    ArtifactError
        If it is absent, no JSON, or of another format.
    """
    if not (folder / SPEC).exists():
        raise ArtifactError(f"{folder.name} is not a model folder: {SPEC} is missing; fit it or run `dvc checkout`")
    try:
        spec = json.loads((folder / SPEC).read_text("utf-8"))
    except ValueError as broken:
        raise ArtifactError(f"{folder.name}/{SPEC} is not JSON ({broken}): run `dvc checkout` or fit again") from None
    if not isinstance(spec, dict) or spec.get("format") != 1:
        raise ArtifactError(f"{folder.name}/{SPEC}: expected format 1; fit the model again with this version")
    return spec


def _code_of(folder: Path) -> types.ModuleType:
    """Run the folder's own code as a module; the package name keeps it from importing MLflow."""
    place = folder / CODE
    for own in (pyfunc_model, pyfunc_segments):
        if file_digest(place) == file_digest(Path(str(own.__file__))):
            return own
    name = f"afraz_model_code.m{file_digest(place)[:16]}"
    if name not in sys.modules:
        module = types.ModuleType(name)
        module.__file__, module.__package__ = str(place), "afraz_model_code"
        exec(compile(place.read_text("utf-8"), str(place), "exec"), module.__dict__)  # noqa: S102 its digest was checked
        sys.modules[name] = module
    return sys.modules[name]


def _altered(what: str, expected: str, found: str) -> ArtifactError:
    return ArtifactError(
        f"{what} was altered: digest {found[:12]}, expected {expected[:12]}.\n"
        "Restore the original (`dvc checkout`, or download it from the registry again) or fit and register anew."
    )
