"""Whom an offer could be made to at a date, with what is known of them."""

from datetime import date

import pandas as pd

from .. import catalog
from ..errors import DataError, NotApplicable
from ..params import load_params
from .table import build_features


def customers_for_offers(as_of: date) -> pd.DataFrame:
    """Features of every customer who is with the bank at a date.

    Taken from the assignments stage where it built that date; built anew, with the parameters of that stage, where not.

    Returns
    -------
    DataFrame
        customer_id, as_of and the features that assignments have; ordered by customer.

    Raises
    ------
    NotApplicable
        If the source has no campaigns.
    DataError
        If nobody is with the bank at that date, or the data do not reach there.
    """
    if not catalog.path("promotion_scorable").exists():
        raise NotApplicable("there are no campaigns in this source: nothing was learned of offers")
    rows = catalog.scan("promotion_scorable").filter(lambda t: t.as_of == as_of).to_pandas()
    if rows.empty:
        until = catalog.load("coverage")["observed_until"][:10]
        if as_of.isoformat() > until:
            raise DataError(f"as_of {as_of} lies after the end of the data ({until}): ingest newer data first")
        families = load_params("assignments", catalog.root())["families"]
        rows = build_features(catalog.canonical_tables(), [as_of], families=families).to_pandas()
    if rows.empty:
        raise DataError(f"nobody is with the bank at {as_of}: take a date within data/canonical/coverage.json")
    return rows.assign(as_of=pd.Timestamp(as_of)).sort_values("customer_id", ignore_index=True)
