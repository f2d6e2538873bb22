"""What a recorded run says of itself: name, description, measures, figures by heading. Plain values and text only.

What a stage asks stands in ``dvc.yaml`` (``desc``) and in the notebook's first words; which measures come first, and
what the stage reads its data for, in the stage's ``meta`` there::

    churn:
      desc: Tune, calibrate and explain the churn and growth model
      meta: {reads: training, headline: [test.roc_auc, test.lift_at_10pct]}
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .catalog import NOT_APPLICABLE
from .params import read_yaml

TAGS_OF_VERSIONS = {
    "afraz.stage": "stage", "mlflow.runName": "name", "afraz.digest": "digest", "mlflow.source.name": "notebook",
    "afraz.notebook_sha256": "notebook_sha256", "afraz.params_sha256": "params_sha256",
    "afraz.lock_sha256": "lock_sha256", "mlflow.source.git.commit": "git_commit",
    "mlflow.source.git.dirty": "git_dirty", "mlflow.user": "user",
}  # fmt: skip


@dataclass(frozen=True)
class StageWords:
    """What a stage asks: ``desc`` of dvc.yaml, title and first words of its notebook, its first measures."""

    stage: str
    desc: str
    title: str
    words: str
    reads: str
    headline: tuple[str, ...]


@dataclass(frozen=True)
class Measure:
    """A measure; without an interval ``low`` and ``high`` are None."""

    name: str
    value: float
    low: float | None = None
    high: float | None = None


def all_stage_words(root: Path) -> dict[str, StageWords]:
    """Read what every stage of ``dvc.yaml`` asks; a notebook that is not there leaves title and words empty."""
    found = {}
    for stage, raw in read_yaml(root / "dvc.yaml").get("stages", {}).items():
        notebooks = sorted((root / "notebooks").glob(f"[0-9][0-9]_{stage}.py"))
        title, words = first_words(notebooks[0].read_text("utf-8")) if notebooks else ("", "")
        meta = raw.get("meta") or {}
        found[stage] = StageWords(
            stage, raw.get("desc", ""), title, words, meta.get("reads", "input"), tuple(meta.get("headline", ()))
        )
    return found


def first_words(notebook: str) -> tuple[str, str]:
    """Take title and text of the first markdown cell of a py:percent notebook.

    Examples
    --------
    >>> first_words("# ---\\n# %% [markdown]\\n# # Churn\\n# Who leaves,\\n# and when.\\n\\n# %%\\n1")
    ('Churn', 'Who leaves, and when.')
    """
    cell = re.search(r"^# %% \[markdown\]\n((?:#.*\n)*)", notebook, re.MULTILINE)
    lines = [line[1:].strip() for line in cell[1].splitlines()] if cell else []
    title = next((line.lstrip("# ") for line in lines if line.startswith("#")), "")
    return title, " ".join(line for line in lines if line and not line.startswith("#"))


def headline(metrics: Mapping[str, Any], names: Sequence[str], most: int = 6) -> list[Measure]:
    """Pick the measures to show first.

    Parameters
    ----------
    names : sequence of str
        Dotted paths; those that these metrics lack are left out. Where none is named, the first ``most`` measures that
        are there, those with an interval before plain numbers.

    Examples
    --------
    >>> found = {"rows": 3, "test": {"roc_auc": {"value": 0.8, "low": 0.7, "high": 0.9}}, "chosen": "blend"}
    >>> headline(found, ["test.roc_auc", "test.gone"])
    [Measure(name='test.roc_auc', value=0.8, low=0.7, high=0.9)]
    >>> [m.name for m in headline(found, [])]
    ['test.roc_auc', 'rows']
    >>> [m.name for m in headline({"gravity": {"churn": 1, "value": 0}}, [])]
    ['gravity.churn', 'gravity.value']
    """
    known = {m.name: m for m in _measures(metrics, "")}
    if names:
        return [known[name] for name in names if name in known]
    return sorted(known.values(), key=lambda m: m.low is None)[:most]


def _measures(part: Mapping[str, Any], prefix: str) -> list[Measure]:
    found = []
    for name, item in part.items():
        if isinstance(item, Mapping):
            value: Any = item.get("value")
            # a measure with its interval, or a bare value; a mapping with more names may have one that is called value
            if _number(value) and ("low" in item or len(item) == 1):
                found.append(Measure(f"{prefix}{name}", value, item.get("low"), item.get("high")))
            else:
                found += _measures(item, f"{prefix}{name}.")
        elif _number(item):
            found.append(Measure(f"{prefix}{name}", item))
    return found


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def spoken(value: float | None) -> str:
    """Spell a number for reading: whole ones in full, others with four significant digits.

    Examples
    --------
    >>> spoken(9823.0), spoken(0.80912), spoken(2441369.3), spoken(-0.5), spoken(None)
    ('9,823', '0.8091', '2,441,369', '-0.5', '')
    """
    if value is None:
        return ""
    whole = float(value).is_integer() or abs(value) >= 1000
    return f"{value:,.0f}" if whole else f"{value:.4g}"


def run_name(stage: str, params: Mapping[str, Any], metrics: Mapping[str, Any], first: Sequence[Measure],
             digest: str) -> str:  # fmt: skip
    """Name a run: stage, its first measure if that has an interval, else its date, the beginning of its digest.

    Examples
    --------
    >>> run_name("churn", {"seed": 7}, {}, [Measure("test.roc_auc", 0.80912, 0.79, 0.83)], "f830b227eb93")
    'churn · roc_auc 0.809 · f830b227'
    >>> run_name("score", {"as_of": "2026-07-01"}, {}, [Measure("customers", 9730)], "f830b227eb93")
    'score · as of 2026-07-01 · f830b227'
    >>> run_name("govern", {}, {}, [Measure("churn.may_be_used", 1), Measure("credit.may_be_used", 0)], "f830b227eb93")
    'govern · may_be_used 1 of 2 · f830b227'
    """
    if NOT_APPLICABLE in metrics:
        told = "not applicable"
    elif first and first[0].low is not None:
        told = f"{first[0].name.rpartition('.')[2]} {first[0].value:.3f}"
    elif "as_of" in params:
        told = f"as of {params['as_of']}"
    else:  # one question asked of several: how many answered yes
        asked = {m.name.rpartition(".")[2] for m in first}
        told = f"{asked.pop()} {sum(m.value for m in first):g} of {len(first)}" if len(asked) == 1 else ""
    return " · ".join(filter(None, [stage, told, digest[:8]]))


def experiment_note(words: StageWords) -> str:
    """Describe an experiment in Markdown: what the stage asks; its first line is shown as it is in lists."""
    parts = [
        words.title or words.stage, words.words, words.desc and f"*{words.desc}.*",
        f"One run for each content of `experiments/runs/{words.stage}/`; make it again with `dvc repro {words.stage}`.",
    ]  # fmt: skip
    return "\n\n".join(filter(None, parts))


def run_note(words: StageWords, provenance: Mapping[str, Any], metrics: Mapping[str, Any], first: Sequence[Measure],
             artifacts: str) -> str:  # fmt: skip
    """Describe a run in Markdown: what was asked, what came out, where it stands, from what it was made.

    Parameters
    ----------
    artifacts : str
        Address of the run's artifacts within MLflow's pages.
    """
    parts = [f"**{words.title or words.stage}** {words.desc}".strip()]
    if NOT_APPLICABLE in metrics:
        parts.append(f"Not applicable: {metrics[NOT_APPLICABLE]}")
    if first:
        rows = [f"| {m.name} | {spoken(m.value)} | {_interval(m)} |" for m in first]
        parts.append("\n".join(["| measure | value | 95 % interval |", "|---|---:|---|", *rows]))
    stage = words.stage
    page = f"[notebook.html]({artifacts}/notebook.html)"
    parts.append(f"Executed notebook: {page}, on disk `experiments/runs/{stage}/notebook.html`")
    made = [f"- `{path}` `{digest[:12]}`" for path, digest in sorted(provenance["inputs"].items())]
    made.append(f"- `{provenance['notebook']}` `{str(provenance['notebook_sha256'])[:12]}`")
    parts.append("\n".join(["Made from (beginning of the SHA-256 of the full content):", "", *made]))
    parts.append(f"Make it again: `dvc repro {stage}`")
    return "\n\n".join(parts)


def _interval(measure: Measure) -> str:
    if measure.low is None or measure.high is None:
        return ""
    return f"{spoken(measure.low)} – {spoken(measure.high)}"


def figure_headings(notebook: Mapping[str, Any]) -> list[str]:
    """Say under which heading each picture of an executed notebook stands, in the order of the pictures.

    Examples
    --------
    >>> picture = {"cell_type": "code", "source": "", "outputs": [{"data": {"image/png": "…"}}]}
    >>> figure_headings({"cells": [{"cell_type": "markdown", "source": "# Churn\\nWho?\\n## Why, exactly?"}, picture]})
    ['why-exactly']
    """
    heading, found = "", []
    for cell in notebook["cells"]:
        if cell["cell_type"] == "markdown":
            titles = re.findall(r"^#+ (.+)$", "".join(cell["source"]), re.MULTILINE)
            heading = re.sub(r"[^a-z0-9]+", "-", titles[-1].lower()).strip("-")[:60] if titles else heading
        found += [heading for output in cell.get("outputs", []) if "image/png" in output.get("data", {})]
    return found


def origin_tags(run_tags: Mapping[str, str]) -> dict[str, str]:
    """Tags of a model version that lead back to its run, stage, commit, notebook and builder.

    Parameters
    ----------
    run_tags : mapping
        The tags of the run that made the model.

    Examples
    --------
    >>> origin_tags({"afraz.stage": "churn", "mlflow.user": "ann", "mlflow.source.git.commit": "548eedb"})
    {'afraz.run.stage': 'churn', 'afraz.run.git_commit': '548eedb', 'afraz.run.user': 'ann'}
    """
    return {f"afraz.run.{name}": run_tags[tag] for tag, name in TAGS_OF_VERSIONS.items() if tag in run_tags}


def version_tag(model: str, version: int) -> dict[str, str]:
    """Tag of a run that leads to the version that was registered from it.

    Examples
    --------
    >>> version_tag("churn", 3)
    {'afraz.version.churn': '3'}
    """
    return {f"afraz.version.{model}": str(version)}
