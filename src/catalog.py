"""Every dataset that a stage writes: its path, the stage, what one row is, and the key. The only place with paths.

A stage writes through :func:`target` or :func:`save`. While a stage runs, these point into a staging folder that the
runner moves into place when the whole stage has succeeded, so nothing half-written is ever read.

Ibis and pandas are imported where they are used: every command needs a path, few need a table.
"""

import json
import math
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .errors import DataError, nearest

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import pandas as pd

STAGING = "AFRAZ_STAGING"
NOT_APPLICABLE = "not_applicable"


@dataclass(frozen=True)
class Dataset:
    """A row of the catalog; ``{as_of}`` in ``path`` is filled in by the caller."""

    name: str
    path: str
    stage: str
    grain: str
    key: tuple[str, ...] = ()


def _canonical(name: str, grain: str, *key: str) -> Dataset:
    return Dataset(name, f"data/canonical/{name}.parquet", "ingest", grain, key)


CATALOG: dict[str, Dataset] = {
    d.name: d
    for d in (
        Dataset("demo_source", "data/source/demo", "simulate", "a folder of source files"),
        Dataset("truth", "data/truth", "simulate", "a folder: what was planted; only tests and oracle read it"),
        Dataset("canonical", "data/canonical", "ingest", "a folder of canonical tables"),
        Dataset("rejects", "data/rejects", "ingest", "a folder: one table of refused rows per source table"),
        Dataset("coverage", "data/canonical/coverage.json", "ingest", "rows and period of every table"),
        Dataset("ingest_tables", "experiments/runs/ingest/tables", "ingest", "a folder of CSV files: counts, causes"),
        _canonical("customers", "a customer", "customer_id"),
        _canonical("regions", "a region", "region_id"),
        _canonical("accounts", "an account", "account_id"),
        _canonical("transactions", "a booking", "transaction_id"),
        _canonical("loans", "a loan application", "loan_id"),
        _canonical("loan_months", "a loan at a month's end", "loan_id", "month_end"),
        _canonical("recoveries", "a payment recovered on a defaulted loan", "loan_id", "received_at"),
        _canonical("contacts", "a contact with the customer", "contact_id"),
        _canonical("campaigns", "a campaign", "campaign_id"),
        _canonical("treatments", "a customer in a campaign", "campaign_id", "customer_id"),
        _canonical("surveys", "a survey answer", "survey_id"),
        Dataset("features", "data/features", "features", "a folder"),
        Dataset("customer_features", "data/features/customer_features.parquet", "features",
                "a customer at an as_of date", ("customer_id", "as_of")),
        Dataset("value_labels", "data/features/value_labels.parquet", "features",
                "a customer at an as_of date: what came after", ("customer_id", "as_of")),
        Dataset("items", "data/features/items.parquet", "features",
                "an item that a customer uses, holds or asks for at an as_of date", ("customer_id", "as_of", "item")),
        Dataset("churn_labels", "data/features/churn_labels.parquet", "features",
                "a customer at an as_of date", ("customer_id", "as_of")),
        Dataset("label_terms", "data/features/label_terms.json", "features", "what the labels mean and need"),
        Dataset("dictionary", "data/features/dictionary.parquet", "features", "a feature", ("name",)),
        Dataset("leak_audit", "data/features/leak_audit.json", "features", "the leak audit"),
        Dataset("applications", "data/applications", "applications", "a folder"),
        Dataset("application_features", "data/applications/features.parquet", "applications",
                "an application for a loan", ("loan_id",)),
        Dataset("application_outcomes", "data/applications/outcomes.parquet", "applications",
                "an application for a loan", ("loan_id",)),
        Dataset("defaults", "data/applications/defaults.parquet", "applications", "a defaulted loan", ("loan_id",)),
        Dataset("recovered", "data/applications/recovered.parquet", "applications",
                "a payment recovered on a defaulted loan", ("loan_id", "received_at")),
        Dataset("arrears", "data/applications/arrears.parquet", "applications", "a bucket of days past due",
                ("bucket",)),
        Dataset("application_dictionary", "data/applications/dictionary.parquet", "applications", "a feature",
                ("name",)),
        Dataset("application_audit", "data/applications/leak_audit.json", "applications", "the leak audit"),
        Dataset("assignments", "data/assignments", "assignments", "a folder"),
        Dataset("assignment_features", "data/assignments/features.parquet", "assignments",
                "a customer drawn for a campaign, as known before", ("campaign_id", "customer_id")),
        Dataset("assignment_outcomes", "data/assignments/outcomes.parquet", "assignments",
                "a customer drawn for a campaign: what came after", ("campaign_id", "customer_id")),
        Dataset("promotion_scorable", "data/assignments/scorable.parquet", "assignments",
                "a customer who is with the bank at as_of", ("customer_id", "as_of")),
        Dataset("assignment_dictionary", "data/assignments/dictionary.parquet", "assignments", "a feature",
                ("name",)),
        Dataset("assignment_audit", "data/assignments/leak_audit.json", "assignments", "the leak audit"),
        Dataset("segmentation_run", "experiments/runs/segmentation", "segmentation",
                "a folder: notebook, page, tables, model"),
        Dataset("segmentation_model", "experiments/runs/segmentation/model", "segmentation", "a model folder"),
        Dataset("segmentation_tables", "experiments/runs/segmentation/tables", "segmentation",
                "a folder of CSV files: evidence, profiles, migration"),
        Dataset("segmentation_sample", "experiments/runs/segmentation/sample.parquet", "segmentation",
                "a row of the fit: inputs, and the segments assigned", ("row",)),
        Dataset("segmentation_metrics", "experiments/metrics/segmentation.json", "segmentation",
                "measures of the segmentation"),
        Dataset("segments", "data/segments/segments.parquet", "segmentation",
                "a customer at an as_of date, with the segment of every lens", ("customer_id", "as_of")),
        Dataset("segment_moves", "data/segments/moves.parquet", "segmentation",
                "a customer's move that matters, by priority", ("rank",)),
        Dataset("value_run", "experiments/runs/value", "value", "a folder: notebook, page, tables, model"),
        Dataset("value_model", "experiments/runs/value/model", "value", "a model folder"),
        Dataset("value_tables", "experiments/runs/value/tables", "value", "a folder of CSV files: evidence"),
        Dataset("value_predictions", "experiments/runs/value/predictions.parquet", "value",
                "a customer of the last cohort whose year is over", ("customer_id", "as_of")),
        Dataset("value_sample", "experiments/runs/value/sample.parquet", "value",
                "a row of the last cohort: inputs, and what the model said", ("row",)),
        Dataset("value_metrics", "experiments/metrics/value.json", "value", "measures of the value model"),
        Dataset("promotion_run", "experiments/runs/promotion", "promotion", "a folder: notebook, page, tables, model"),
        Dataset("promotion_model", "experiments/runs/promotion/model", "promotion", "a model folder"),
        Dataset("promotion_tables", "experiments/runs/promotion/tables", "promotion",
                "a folder of CSV files: learners, balance, measures of the test part"),
        Dataset("promotion_explanation", "experiments/runs/promotion/explanation", "promotion",
                "a folder of CSV files: which features matter, how, and how sure the order is"),
        Dataset("promotion_curves", "experiments/runs/promotion/curves", "promotion",
                "a folder of CSV files: what figures show"),
        Dataset("promotion_predictions", "experiments/runs/promotion/predictions.parquet", "promotion",
                "a customer in a campaign of the test part", ("campaign_id", "customer_id")),
        Dataset("promotion_sample", "experiments/runs/promotion/sample.parquet", "promotion",
                "a row of the test part: inputs, and what the model said", ("row",)),
        Dataset("promotion_metrics", "experiments/metrics/promotion.json", "promotion",
                "measures of the promotion model"),
        Dataset("churn_run", "experiments/runs/churn", "churn", "a folder: notebook, page, tables, model"),
        Dataset("churn_model", "experiments/runs/churn/model", "churn", "a model folder"),
        Dataset("churn_tables", "experiments/runs/churn/tables", "churn", "a folder of CSV files: evidence"),
        Dataset("churn_explanation", "experiments/runs/churn/explanation", "churn",
                "a folder of CSV files: which features matter, how, and how sure the order is"),
        Dataset("churn_curves", "experiments/runs/churn/curves", "churn", "a folder of CSV files: what figures show"),
        Dataset("churn_predictions", "experiments/runs/churn/predictions.parquet", "churn",
                "a customer at an as_of date of the test part", ("customer_id", "as_of")),
        Dataset("churn_sample", "experiments/runs/churn/sample.parquet", "churn",
                "a row of the test part: inputs, and what the model said", ("row",)),
        Dataset("churn_metrics", "experiments/metrics/churn.json", "churn", "measures of the churn model"),
        Dataset("credit_run", "experiments/runs/credit", "credit", "a folder: notebook, page, tables, model"),
        Dataset("credit_model", "experiments/runs/credit/model", "credit", "a model folder, with its rating"),
        Dataset("credit_tables", "experiments/runs/credit/tables", "credit", "a folder of CSV files: evidence"),
        Dataset("credit_explanation", "experiments/runs/credit/explanation", "credit",
                "a folder of CSV files: which features matter, how, and how sure the order is"),
        Dataset("credit_curves", "experiments/runs/credit/curves", "credit",
                "a folder of CSV files: what figures show"),
        Dataset("credit_predictions", "experiments/runs/credit/predictions.parquet", "credit",
                "an application of the test part", ("loan_id",)),
        Dataset("credit_cross_fitted", "experiments/runs/credit/cross_fitted.parquet", "credit",
                "an application with an outcome, predicted without its fold", ("loan_id",)),
        Dataset("credit_applicants", "experiments/runs/credit/applicants.parquet", "credit",
                "an application, with or without an outcome: probability, points, grade", ("loan_id",)),
        Dataset("credit_sample", "experiments/runs/credit/sample.parquet", "credit",
                "a row of the test part: inputs, and what the model said", ("row",)),
        Dataset("credit_metrics", "experiments/metrics/credit.json", "credit", "measures of the credit model"),
        Dataset("model_checks", "experiments/runs/govern/checks", "govern",
                "a folder of CSV files: the checks of each model; what scoring waits for"),
        Dataset("follow_up_tables", "experiments/runs/follow_up/tables", "follow_up",
                "a folder of CSV files: vintages, roll rates, realised against predicted, overrides"),
        Dataset("follow_up_metrics", "experiments/metrics/follow_up.json", "follow_up",
                "what became of granted credit"),
        Dataset("govern_metrics", "experiments/metrics/govern.json", "govern", "checks passed and failed, by model"),
        Dataset("govern_run", "experiments/runs/govern", "govern", "a folder: notebook, page, checks"),
        Dataset("checks", "experiments/runs/govern/checks.json", "govern", "the outcome of each check for each model"),
        Dataset("churn_scores", "data/scores/as_of={as_of}/churn.parquet", "score", "a customer", ("customer_id",)),
        Dataset("churn_manifest", "data/scores/as_of={as_of}/churn.json", "score", "where the scores came from"),
        Dataset("segmentation_scores", "data/scores/as_of={as_of}/segmentation/customers.parquet", "score_segments",
                "a customer: the segment of every lens", ("customer_id",)),
        Dataset("segmentation_manifest", "data/scores/as_of={as_of}/segmentation/customers.json", "score_segments",
                "where the segments came from"),
        Dataset("score_segments_metrics", "experiments/metrics/score_segments.json", "score_segments",
                "sizes of the segments"),
        Dataset("promotion_scores", "data/scores/as_of={as_of}/promotion/customers.parquet", "score_promotion",
                "a customer with an offer through a channel", ("customer_id", "offer", "channel")),
        Dataset("promotion_manifest", "data/scores/as_of={as_of}/promotion/customers.json", "score_promotion",
                "model and input digests of the promotion scores"),
        Dataset("score_promotion_run", "experiments/runs/score_promotion", "score_promotion",
                "a folder: notebook, page"),
        Dataset("score_promotion_metrics", "experiments/metrics/score_promotion.json", "score_promotion",
                "options, and whom each serves best"),
        Dataset("value_scores", "data/scores/as_of={as_of}/value/customers.parquet", "score_value",
                "a customer: coming margin, next purchase, next product, tier", ("customer_id",)),
        Dataset("value_manifest", "data/scores/as_of={as_of}/value/customers.json", "score_value",
                "where the scores came from"),
        Dataset("score_value_metrics", "experiments/metrics/score_value.json", "score_value",
                "expected income, in total and by segment"),
        Dataset("credit_scores", "data/scores/as_of={as_of}/credit/applications.parquet", "score_credit",
                "an application for a loan", ("loan_id",)),
        Dataset("credit_manifest", "data/scores/as_of={as_of}/credit/applications.json", "score_credit",
                "where the scores came from"),
        Dataset("credit_book", "data/scores/as_of={as_of}/credit/book.parquet", "score_credit",
                "a loan that is running", ("loan_id",)),
        Dataset("credit_book_manifest", "data/scores/as_of={as_of}/credit/book.json", "score_credit",
                "where the figures of the book came from"),
        Dataset("score_credit_metrics", "experiments/metrics/score_credit.json", "score_credit",
                "how many were scored, expected loss of the book"),
        Dataset("score_metrics", "experiments/metrics/score.json", "score", "how many were scored, how they spread"),
        Dataset("decisions", "data/decisions", "decide", "a folder"),
        Dataset("strips", "data/decisions/strips.parquet", "decide",
                "a customer: holdout, exploration or decided", ("customer_id",)),
        Dataset("refused", "data/decisions/refused.parquet", "decide",
                "an offer by a channel that a customer may not get, and why", ("customer_id", "offer", "channel")),
        Dataset("contact_list", "data/decisions/contacts.parquet", "decide",
                "a customer to contact in a campaign", ("campaign_id", "customer_id")),
        Dataset("withheld", "data/decisions/withheld.parquet", "decide",
                "a customer of a campaign's control group, or who drew nothing", ("campaign_id", "customer_id")),
        Dataset("control_sizes", "data/decisions/control_sizes.parquet", "decide",
                "a campaign: how many are withheld, and what that can show", ("campaign_id",)),
        Dataset("contact_times", "data/decisions/contact_times.parquet", "decide",
                "a customer's best day and hour by channel", ("customer_id", "channel")),
        Dataset("desk", "data/decisions/desk.parquet", "decide", "a customer: what a desk is told", ("customer_id",)),
        Dataset("desk_index", "data/decisions/desk.sqlite", "decide", "the desk table, to look one customer up"),
        Dataset("decide_metrics", "experiments/metrics/decide.json", "decide", "what the round decides, in figures"),
        Dataset("feedback_tables", "experiments/runs/feedback/tables", "feedback",
                "a folder of CSV files: campaigns, effects by week, verdicts, cells, refused rows"),
        Dataset("feedback_management", "data/reports/feedback/management.html", "feedback",
                "a page: what campaigns brought"),
        Dataset("feedback_operations", "data/reports/feedback/operations.html", "feedback",
                "a page: the campaigns of the week"),
        Dataset("feedback_metrics", "experiments/metrics/feedback.json", "feedback",
                "rows, verdicts and the effect of each campaign"),
        Dataset("oracle_metrics", "experiments/metrics/oracle.json", "oracle", "scores held against the truth"),
    )
}  # fmt: skip


def root() -> Path:
    """Find the workspace: the nearest folder, from the current one upwards, that holds ``dvc.yaml``.

    Raises
    ------
    DataError
        Outside a workspace.
    """
    here = Path.cwd()
    for folder in (here, *here.parents):
        if (folder / "dvc.yaml").exists():
            return folder
    raise DataError(f"no dvc.yaml in {here} or above it: run afraz inside a checkout of the project")


def dataset(name: str) -> Dataset:
    """Look a dataset up.

    Raises
    ------
    DataError
        With the nearest known name.

    Examples
    --------
    >>> dataset("transactions").key
    ('transaction_id',)
    >>> dataset("transaction")
    Traceback (most recent call last):
    ...
    afraz.errors.DataError: no dataset 'transaction' in the catalog: did you mean transactions?
    """
    if name not in CATALOG:
        raise DataError(f"no dataset {name!r} in the catalog: {nearest(name, CATALOG)}")
    return CATALOG[name]


def _relative(name: str, names: Mapping[str, Any]) -> Path:
    return Path(dataset(name).path.format(**names))


def path(name: str, **names: Any) -> Path:
    """Where a dataset is read: this stage's own staged output if there is one, else the workspace."""
    relative = _relative(name, names)
    staging = os.environ.get(STAGING)
    if staging and (Path(staging) / relative).exists():
        return Path(staging) / relative
    return root() / relative


def target(name: str, **names: Any) -> Path:
    """Where a stage writes a dataset; the parent folder exists afterwards."""
    place = Path(os.environ.get(STAGING) or root()) / _relative(name, names)
    place.parent.mkdir(parents=True, exist_ok=True)
    return place


def studies() -> Path:
    """Where tuning journals live: outside every stage's outputs, so that a killed search can be resumed."""
    place = root() / "experiments" / "runs" / "studies"
    place.mkdir(parents=True, exist_ok=True)
    return place


def _missing(name: str, place: Path) -> DataError:
    return DataError(f"{name} is not there ({place}): run `dvc repro {dataset(name).stage}` first")


def scan(name: str, **names: Any) -> "ir.Table":
    """Open a Parquet dataset as a lazy Ibis table."""
    import ibis

    place = path(name, **names)
    if not place.exists():
        raise _missing(name, place)
    return ibis.read_parquet(place)


def canonical_tables() -> dict[str, "ir.Table"]:
    """Open every canonical table that ingest wrote; absent tables are absent keys."""
    import ibis

    folder = path("canonical")
    if not folder.exists():
        raise _missing("canonical", folder)
    return {p.stem: ibis.read_parquet(p) for p in sorted(folder.glob("*.parquet"))}


def load(name: str, **names: Any) -> Any:
    """Read a dataset into memory: a DataFrame from Parquet, plain values from JSON."""
    place = path(name, **names)
    if not place.exists():
        raise _missing(name, place)
    if place.suffix == ".parquet":
        import pandas as pd

        return pd.read_parquet(place)
    if place.suffix == ".json":
        return json.loads(place.read_text("utf-8"))
    raise DataError(f"{name} is a folder: use catalog.path({name!r}) and the function that reads it")


def reason_not_applicable(name: str) -> str | None:
    """Say why the stage that measures into this JSON dataset had nothing to do; None where it had."""
    found = load(name)
    return found.get(NOT_APPLICABLE) if isinstance(found, dict) else None


def save(name: str, value: Any, **names: Any) -> str:
    """Write a dataset: whole or not at all, and equal content gives equal bytes.

    Parameters
    ----------
    value : DataFrame, Ibis table, dict of DataFrame, something with a method ``save(folder)``, or plain values
        Tables become Parquet (zstd), their rows in the order of the key; a dict of tables a folder of CSV files; what
        can save itself (a model) does; anything else becomes JSON.

    Returns
    -------
    str
        The path within the workspace.

    Raises
    ------
    DataError
        If the key has duplicates.
    """
    place = target(name, **names)
    if hasattr(value, "save"):
        value.save(place)
        return dataset(name).path.format(**names)
    partial = place.with_name(f".{place.name}.{os.getpid()}")
    if place.suffix == ".parquet":
        _write_parquet(name, value, partial)
    elif place.suffix == ".json":
        partial.write_text(to_json(value), "utf-8")
    else:
        _write_folder(value, partial)
        shutil.rmtree(place, ignore_errors=True)
    os.replace(partial, place)
    return dataset(name).path.format(**names)


def save_all(prefix: str, values: Mapping[str, Any]) -> list[str]:
    """Write several datasets whose names begin alike: ``<prefix>_<name>`` each; see :func:`save`."""
    return [save(f"{prefix}_{name}", value) for name, value in values.items()]


def _write_parquet(name: str, value: "pd.DataFrame | ir.Table", partial: Path) -> None:
    import ibis
    import ibis.expr.types as ir

    key = list(dataset(name).key)
    if isinstance(value, ir.Table):
        value.order_by(key).to_parquet(partial, compression="zstd")
        written = ibis.read_parquet(partial)
        repeats = int(written.count().execute()) - int(written.select(key).distinct().count().execute())
    else:
        repeats = int(value.duplicated(key).sum())
        value.sort_values(key, kind="stable").to_parquet(partial, index=False, compression="zstd")
    if repeats:
        partial.unlink()
        raise DataError(f"{name}: {repeats} rows repeat the key {', '.join(key)}")


def _write_folder(tables: Mapping[str, "pd.DataFrame"], partial: Path) -> None:
    partial.mkdir()
    for name, table in tables.items():
        table.to_csv(partial / f"{name}.csv", index=False)


def to_json(value: Any) -> str:
    """Spell plain values as JSON with sorted keys; NaN and infinities are refused, they are not JSON.

    Numbers keep twelve significant digits: what comes after depends on the order in which a processor adds.

    Examples
    --------
    >>> to_json({"b": 0.1 + 0.2, "a": [1]})
    '{\\n  "a": [\\n    1\\n  ],\\n  "b": 0.3\\n}\\n'
    """
    return (
        json.dumps(_rounded(value), indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False, default=str) + "\n"
    )


def _rounded(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _rounded(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(item) for item in value]
    if isinstance(value, float) and math.isfinite(value):
        return float(f"{value:.12g}")
    return value
