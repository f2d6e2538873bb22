"""What became of customers who were scored on a date, once that is known."""

from collections.abc import Callable
from datetime import date

import pandas as pd

from .. import catalog
from ..errors import NotApplicable
from ..params import load_params
from .labels import churn_labels
from .value_labels import value_labels


def matured_outcomes(model: str, as_of: date) -> pd.DataFrame:
    """Outcomes of a date's customers, in the columns that a comparison of versions reads.

    Taken from the features stage where it built that date; built anew, with the parameters of that stage, where not.

    Returns
    -------
    DataFrame
        churn: ``customer_id, as_of, label`` (left within the longest horizon); value: ``customer_id, as_of, realised``
        (margin of twelve months); credit: ``loan_id, as_of, group`` (the customer), ``label`` (defaulted) of granted
        loans, where ``as_of`` is the day of the application. Rows whose window has not ended are left out.

    Raises
    ------
    NotApplicable
        If no window of that date has ended yet, or a model has no outcome of its own.
    """
    must_have_outcomes(model)
    found = OUTCOMES[model](as_of)
    if found.empty:
        raise NotApplicable(f"{model} on {as_of}: no outcome window has ended yet ({_until()} is the end of the data)")
    return found.reset_index(drop=True)


def must_have_outcomes(model: str) -> None:
    """Refuse a model whose scores nothing can be held against later.

    Raises
    ------
    NotApplicable
        With the reason.

    Examples
    --------
    >>> must_have_outcomes("churn")
    >>> must_have_outcomes("segmentation")
    Traceback (most recent call last):
    ...
    afraz.errors.NotApplicable: segmentation has no outcome of its own to wait for: segments describe, and what ...
    """
    if model not in OUTCOMES:
        raise NotApplicable(
            f"{model} has no outcome of its own to wait for: segments describe, and what offers change is measured "
            "against a control group by the stage feedback"
        )


def _until() -> date:
    return date.fromisoformat(catalog.load("coverage")["observed_until"][:10])


def _built(name: str, as_of: date) -> pd.DataFrame | None:
    """Labels of a date as the features stage built them; None where it did not build that date."""
    if not catalog.path(name).exists():
        return None
    rows: pd.DataFrame = catalog.scan(name).filter(lambda t: t.as_of == as_of).to_pandas()
    return rows if len(rows) else None


def _left(as_of: date) -> pd.DataFrame:
    stated = load_params("features", catalog.root())
    rows = _built("churn_labels", as_of)
    if rows is None:
        rows = churn_labels(
            catalog.canonical_tables(), [as_of], definition=stated["churn_definition"],
            silent_days=stated["silent_days"], horizons=stated["horizons"], observed_until=_until(),
        ).to_pandas()  # fmt: skip
    rows = rows.rename(columns={f"leaves_{stated['horizons'][-1]}": "label"})
    return rows.loc[rows["label"].notna(), ["customer_id", "as_of", "label"]]


def _earned(as_of: date) -> pd.DataFrame:
    rows = _built("value_labels", as_of)
    if rows is None:
        rows = value_labels(catalog.canonical_tables(), [as_of], observed_until=_until()).to_pandas()
    rows = rows.rename(columns={"margin_12m": "realised"})
    return rows.loc[rows["realised"].notna(), ["customer_id", "as_of", "realised"]]


def _defaulted(as_of: date) -> pd.DataFrame:
    rows = catalog.load("application_outcomes").rename(columns={"defaults": "label"})
    rows = rows[rows["label"].notna() & (pd.to_datetime(rows["as_of"]) < pd.Timestamp(as_of))]
    return rows.assign(group=rows["customer_id"])[["loan_id", "as_of", "group", "label"]]


OUTCOMES: dict[str, Callable[[date], pd.DataFrame]] = {"churn": _left, "value": _earned, "credit": _defaulted}
