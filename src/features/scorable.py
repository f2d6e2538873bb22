"""Whom to score at a date, with what is known of them."""

from datetime import date

import pandas as pd

from .. import catalog
from ..errors import DataError
from ..params import load_params
from .labels import churn_labels
from .table import build_features


def customers_to_score(as_of: date) -> pd.DataFrame:
    """Features, phase and revenue of every customer at risk at a date.

    Taken from the features stage where it built that date; built anew, with the parameters of that stage, where not.
    Dormant customers are left out: the model has learned nothing of them.

    Raises
    ------
    DataError
        If nobody is at risk at that date.
    """
    day = pd.Timestamp(as_of)
    features = catalog.scan("customer_features").filter(lambda t: t.as_of == as_of).to_pandas()
    if len(features):
        labels = catalog.scan("churn_labels").filter(lambda t: t.as_of == as_of).to_pandas()
    else:
        features, labels = _build(as_of)
    labels = labels.loc[labels["at_risk"], ["customer_id", "phase", "revenue_12m"]]
    rows = features.merge(labels, on="customer_id").assign(as_of=day)
    if rows.empty:
        raise DataError(f"nobody is at risk at {as_of}: the data do not reach there (see data/canonical/coverage.json)")
    return rows


def _build(as_of: date) -> tuple[pd.DataFrame, pd.DataFrame]:
    stated = load_params("features", catalog.root())
    tables = catalog.canonical_tables()
    until = catalog.load("coverage")["observed_until"]
    if as_of.isoformat() > until[:10]:
        raise DataError(f"as_of {as_of} lies after the end of the data ({until[:10]}): ingest newer data first")
    features = build_features(tables, [as_of], families=stated["families"]).to_pandas()
    labels = churn_labels(
        tables, [as_of], definition=stated["churn_definition"], silent_days=stated["silent_days"],
        horizons=stated["horizons"], observed_until=date.fromisoformat(until[:10]),
    ).to_pandas()  # fmt: skip
    return features, labels
