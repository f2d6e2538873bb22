"""What models learn from: the platform's features with their labels, or a ready table."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from .. import catalog
from ..data.flat import read_flat_table
from ..errors import NotApplicable, ParamsError, nearest

_READY = {"path", "label", "id", "date", "drop", "delimiter", "event"}
SIGNED = ("repayment", "application")  # families whose signs speak of default


def churn_training(
    ready: Mapping[str, Any], horizons: list[int], use_signs: bool
) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Load the table and say which columns are what.

    Parameters
    ----------
    ready : mapping
        ``{path, label}`` and optionally ``{id, date, drop, delimiter}`` of a ready table; empty for the features stage.
    horizons : list of int
        Outcome windows in days (features stage only).
    use_signs : bool
        Hold features to the signs of the dictionary (features stage only).

    Returns
    -------
    table : DataFrame
    columns : dict
        Settings for :class:`afraz.models.churn.ChurnSettings` that say which columns are what.

    Raises
    ------
    ParamsError
        For an unknown or missing key of ``ready``.
    """
    if ready:
        return _ready_table(ready)
    table = catalog.load("customer_features").merge(catalog.load("churn_labels"), on=["customer_id", "as_of"])
    columns: dict[str, Any] = {"horizons": horizons, "outcome_days": catalog.load("label_terms")["outcome_days"]}
    if use_signs:
        dictionary = catalog.load("dictionary")
        signs = dictionary.loc[dictionary["sign"] != 0].set_index("name")["sign"]
        columns["monotone"] = {name: int(sign) for name, sign in signs.items() if name in table}
    return table, columns


def credit_training(
    ready: Mapping[str, Any], use_signs: bool, history_days: int
) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Load applications with their outcomes and say which columns are what.

    Parameters
    ----------
    ready : mapping
        As for :func:`churn_training`; empty for the applications stage.
    use_signs : bool
        Hold inputs to the signs of the dictionary (applications stage only).
    history_days : int
        Applications of the first days of the data are left out: nothing was known of the applicants yet.

    Returns
    -------
    table : DataFrame
        Every application; ``cohort`` is the quarter of applying.
    columns : dict
        Settings for :class:`afraz.models.credit.CreditSettings`.

    Raises
    ------
    NotApplicable
        If the source has no loans.
    """
    if ready:
        table, columns = _ready_table(ready)
        return table, {**columns, "customer": None}
    if not catalog.path("application_features").exists():
        raise NotApplicable("there are no applications for loans in this source, and no ready table is named")
    outcomes = catalog.load("application_outcomes")
    table = catalog.load("application_features").merge(outcomes, on=["loan_id", "customer_id", "as_of"])
    when = pd.to_datetime(table["as_of"])
    table = table.assign(as_of=when, cohort=when.dt.to_period("Q").astype(str))
    table = table[when >= when.min() + pd.Timedelta(days=history_days)].reset_index(drop=True)
    aside = [c for c in outcomes.columns if c not in ("loan_id", "customer_id", "as_of", "defaults")]
    protected = [c for c in ("gender", "age_years") if c in table]
    columns = {"outcomes": [*(c for c in aside if c not in protected and c in table), "cohort"], "protected": protected}
    if use_signs:
        dictionary = catalog.load("application_dictionary")
        signed = dictionary[(dictionary["sign"] != 0) & dictionary["family"].isin(SIGNED)]
        columns["monotone"] = {n: int(sign) for n, sign in signed.set_index("name")["sign"].items() if n in table}
    return table, columns


def _ready_table(ready: Mapping[str, Any]) -> tuple[pd.DataFrame, dict[str, Any]]:
    for key in ready:
        if key not in _READY:
            raise ParamsError(f"table: unknown key {key!r}: {nearest(key, _READY)}")
    for key in ("path", "label"):
        if not ready.get(key):
            raise ParamsError(f"table: {key} is missing: a ready table needs path and label")
    named = [ready[k] for k in ("label", "id", "date") if ready.get(k)]
    drop = list(ready.get("drop", []))
    table = read_flat_table(catalog.root() / Path(ready["path"]), ready.get("delimiter"), (*named, *drop), drop)
    columns = {"label": ready["label"], "id": ready.get("id"), "as_of": ready.get("date"), "drop": drop}
    if ready.get("event") is not None:
        columns["event"] = str(ready["event"])
    return table, {k: v for k, v in columns.items() if v or k in {"id", "as_of"}}
