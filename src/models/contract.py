"""Contract tests of a model folder: what real tables do to it, and whether it stands on its own.

Every check returns findings in plain words; no finding means that the folder keeps the contract and may be registered.
"""

import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from ..errors import ArtifactError
from . import contract_probe
from .artifact import Artifact, load_artifact

Change = Callable[[pd.DataFrame], pd.DataFrame]
UNSEEN = "never seen in training"
STRANGE_ROWS = 50


def contract_findings(folder: Path, sample: pd.DataFrame, *, probe: bool = True, rows: int = 200) -> list[str]:
    """Run all contract tests.

    Parameters
    ----------
    folder : Path
        A model folder.
    sample : DataFrame
        Rows like those to be scored; the first ``rows`` are used.
    probe : bool
        Also load the folder through MLflow in another process (about six seconds).
    rows : int
        Rows of the sample to use.

    Returns
    -------
    list of str
        One line per broken promise; empty when all hold.

    Raises
    ------
    ArtifactError
        If the folder cannot be loaded at all.
    """
    artifact = load_artifact(folder)
    frame = sample.head(rows).reset_index(drop=True)
    if frame.empty:
        return ["the sample has no rows: nothing could be tested"]
    try:
        expected = artifact.predict(frame)
    except ArtifactError as refused:
        return [f"the sample itself is refused: {refused}"]
    findings = _range_findings(artifact, frame, expected)
    for title, change in _same(artifact).items():
        findings += _score(artifact, title, change(frame), expected)
    few = frame.head(
        STRANGE_ROWS
    )  # a type is refused or not whatever the number of rows; there are hundreds of changes
    for title, change in _strange(artifact, few).items():
        findings += _score(artifact, title, change(few), None)
    findings += _refusals(artifact, frame)
    if probe:
        findings += _stands_alone(folder, plain_inputs(artifact, frame), expected)
    return findings


def plain_inputs(artifact: Artifact, frame: pd.DataFrame) -> pd.DataFrame:
    """Cast to the types of the MLflow signature: doubles and strings, None for an absent string."""
    cast = {}
    for feature in artifact.spec["features"]:
        column = frame[feature["name"]]
        if feature["type"] == "text":
            cast[feature["name"]] = column.astype("str")
        else:
            cast[feature["name"]] = pd.Series(artifact.predictor_module.numbers(column), index=frame.index)
    return pd.DataFrame(cast, index=frame.index)


def _names(artifact: Artifact, kind: str) -> list[str]:
    return [feature["name"] for feature in artifact.spec["features"] if feature["type"] == kind]


def _same(artifact: Artifact) -> dict[str, Change]:
    """Changes that must not move any score."""
    return {
        "shuffled columns": lambda f: f[list(reversed(f.columns))],
        "an extra column": lambda f: f.assign(**{"a column nobody asked for": "x"}),
        "another index": lambda f: f.set_index(pd.Index(range(1000, 1000 + len(f)))),
    }


def _strange(artifact: Artifact, frame: pd.DataFrame) -> dict[str, Change]:
    """Tables that real sources deliver and that must score."""
    doubles, texts = _names(artifact, "double"), _names(artifact, "text")
    whole = {name: artifact.predictor_module.numbers(frame[name]) for name in doubles}
    whole = {name: np.clip(np.nan_to_num(np.round(x)), -1e9, 1e9).astype("int64") for name, x in whole.items()}
    changes: dict[str, Change] = {}
    for name in doubles:
        places = pd.Series(np.arange(len(frame)) % max(len(frame) // 3, 1) == 0)
        holed = pd.Series(whole[name]).astype("Int64").mask(places)
        changes |= {
            f"a missing value in the integer column {name}": lambda f, n=name, c=holed: f.assign(**{n: c}),  # type: ignore[misc]
            f"plain integers in {name}": lambda f, n=name: f.assign(**{n: whole[n]}),  # type: ignore[misc]
            f"true and false in {name}": lambda f, n=name: f.assign(**{n: whole[n] > 0}),  # type: ignore[misc]
            f"None throughout {name}": lambda f, n=name: f.assign(**{n: None}),  # type: ignore[misc]
        }
    for name in texts:
        changes |= {
            f"the text column {name} missing throughout": lambda f, n=name: f.assign(**{n: np.nan}),  # type: ignore[misc]
            f"None in the text column {name}": lambda f, n=name: f.assign(  # type: ignore[misc]
                **{n: pd.Series([None, *f[n].tolist()[1:]], index=f.index, dtype=object)}
            ),
            f"an unseen level in {name}": lambda f, n=name: f.assign(**{n: UNSEEN}),  # type: ignore[misc]
        }
    if doubles:
        changes["integers in every number"] = lambda f: f.assign(**whole)
    changes["no rows"] = lambda f: f.head(0)
    return changes


def _score(artifact: Artifact, title: str, changed: pd.DataFrame, expected: pd.DataFrame | None) -> list[str]:
    try:
        scored = artifact.predict(changed)
    except Exception as failure:  # whatever a strange table provokes is reported, by kind and never by content
        return [f"{title}: does not score ({type(failure).__name__})"]
    if expected is not None and not _equal(scored, expected):
        return [f"{title}: the scores changed"]
    if not scored.index.equals(changed.index) or not _complete(artifact, scored):
        return [f"{title}: not every row got a finite score"]
    return []


def _equal(one: pd.DataFrame, other: pd.DataFrame) -> bool:
    """Whether two tables hold the same names and values, missing ones included; whatever their index."""
    return one.reset_index(drop=True).equals(other.reset_index(drop=True))


def _complete(artifact: Artifact, scored: pd.DataFrame) -> bool:
    """Whether every number is finite; where segments are assigned, a row of which nothing is known may have none."""
    if not artifact.assigns:
        return bool(np.isfinite(scored.to_numpy()).all())
    names = [name for name in scored if f"{name}_confidence" in scored]
    sure = scored[[f"{name}_confidence" for name in names]].to_numpy()
    return bool(
        (np.isnan(sure) == scored[names].isna().to_numpy()).all() and not (sure < 0).any() and not (sure > 1).any()
    )


def _range_findings(artifact: Artifact, frame: pd.DataFrame, expected: pd.DataFrame) -> list[str]:
    findings = _score_findings(artifact, expected) if not artifact.assigns else []
    if not _complete(artifact, expected):
        findings.append("not every row of the sample got a finite score")
    if not artifact.predict(frame.iloc[[0]]).equals(expected.iloc[[0]]):
        findings.append("a row scored alone differs from the same row among others")
    return findings


def _score_findings(artifact: Artifact, expected: pd.DataFrame) -> list[str]:
    findings: list[str] = []
    previous: dict[str, str] = {}
    for output in artifact.spec["outputs"]:
        values = expected[output["name"]].to_numpy()
        if output.get("link") == "points":  # neither a probability nor a horizon
            continue
        if output.get("link") != "identity" and not ((values >= 0) & (values <= 1)).all():
            findings.append(f"{output['name']}: probabilities outside 0 to 1")
        shorter = previous.get(output["head"])
        if shorter and (values < expected[shorter].to_numpy()).any():
            findings.append(f"{output['name']} is below {shorter} for some row: it must not fall with the horizon")
        previous[output["head"]] = output["name"]
    return findings


def _refusals(artifact: Artifact, frame: pd.DataFrame) -> list[str]:
    findings = []
    for name in (feature["name"] for feature in artifact.spec["features"] if "absent" not in feature):
        try:
            artifact.predict(frame.drop(columns=name))
        except ArtifactError as refused:
            if name not in str(refused):
                findings.append(f"without the column {name}: refused, but the message does not name it")
        else:
            findings.append(f"without the column {name}: scored, it must be refused")
    private = "a value that no message may show"
    for name in _names(artifact, "double"):
        try:
            artifact.predict(frame.assign(**{name: private}))
        except ArtifactError as refused:
            if private in str(refused):
                findings.append(f"text in the number {name}: the message shows a value of the table")
        else:
            findings.append(f"text in the number {name}: scored, it must be refused")
    return findings


def _stands_alone(folder: Path, frame: pd.DataFrame, expected: pd.DataFrame) -> list[str]:
    with tempfile.TemporaryDirectory() as scratch:
        table, result = Path(scratch) / "table.parquet", Path(scratch) / "result.parquet"
        frame.to_parquet(table)
        command = [
            sys.executable,
            "-I",
            "-B",
            "-W",
            "ignore",
            str(contract_probe.__file__),
        ]  # -B: the folder stays as it is
        done = subprocess.run(  # noqa: S603 our own script with paths as arguments
            [*command, str(Path(folder).resolve()), str(table), str(result)],
            cwd=scratch, capture_output=True, text=True, timeout=300, check=False,
        )  # fmt: skip
        if done.returncode != 0 or not result.exists():
            lines = done.stderr.strip().splitlines() or ["no message"]
            return [f"through MLflow, alone and without pickle: does not load or score ({lines[-1][:200]})"]
        scored = pd.read_parquet(result)
    findings = []
    for prefix, title in (("", "through MLflow"), ("unwrapped ", "through MLflow, unwrapped")):
        columns = [f"{prefix}{name}" for name in expected]
        found = scored[columns].set_axis(expected.columns, axis=1) if set(columns) <= set(scored) else scored.head(0)
        if not _equal(found, expected):
            findings.append(f"{title}: the scores differ from those of this process")
    return findings
