"""Concentration: how unevenly the loans lie on names, regions and purposes, and what a local downturn would add."""

import pandas as pd
from pydantic import Field

from ...errors import DataError, NotApplicable
from ..concentration import concentration, granularity_adjustment
from ..positions import positions
from ..vasicek import conditional_probability
from .unit import Delivery, Frames, Terms, Unit, UnitSettings

NUMBERS = ("balance", "default_probability", "loss_given_default")
CUTS = {"region": "region_id", "product": "purpose"}


class ConcentrationSettings(UnitSettings):
    """What the concentration unit is told: how a downturn of one region or purpose alone would look."""

    downturn_probability: float = Field(0.05, gt=0, lt=1, description="of a region or purpose within the horizon")
    downturn_factor: float = Field(2.0, ge=0, description="standard deviations that its factor falls")
    downturn_correlation: float = Field(0.1, ge=0, lt=1, description="of its loans with that factor")
    smallest_share: float = Field(0.01, ge=0, lt=1, description="parts of the book below it are put together")


def measure(frames: Frames, terms: Terms, settings: ConcentrationSettings) -> Delivery:
    """Take each region and each purpose as a position: what a downturn there would cost beyond the expected.

    Parameters
    ----------
    frames : mapping
        ``credit_book`` (``loan_id, customer_id, balance, default_probability, loss_given_default, in_default``),
        ``customers`` (``customer_id, region_id``), ``loans`` (``loan_id, purpose``); a cut whose column is absent is
        left out and said.

    Raises
    ------
    DataError
        If a number of a performing loan is missing.
    NotApplicable
        If neither regions nor purposes are known.

    Returns
    -------
    Delivery
        Tables ``concentration`` (Herfindahl index, effective number, largest share by cut) and ``names`` (granularity
        adjustment). What single names add is in the credit unit already: it draws its largest loans one by one.
    """
    book = frames["credit_book"]
    book = book[~book["in_default"].astype(bool)]
    unknown = int(book[list(NUMBERS)].isna().any(axis=1).sum())
    if unknown:
        raise DataError(
            f"concentration: {unknown:,} of {len(book):,} loans lack {', '.join(NUMBERS[:2])} or {NUMBERS[2]}"
        )
    for name, key, column in (("customers", "customer_id", "region_id"), ("loans", "loan_id", "purpose")):
        if column in frames[name] and column not in book:
            book = book.merge(frames[name][[key, column]], on=key, how="left", validate="many_to_one")
    cuts = {cut: column for cut, column in CUTS.items() if column in book and book[column].notna().any()}
    if not cuts:
        raise NotApplicable("concentration: of the loans neither the region nor the purpose is known in this source")
    parts = pd.concat([_parts(book, cut, column, settings) for cut, column in cuts.items()], ignore_index=True)
    rows = positions(
        UNIT.name, parts["position"], exposure=parts["exposure"].to_numpy(),
        probability=settings.downturn_probability, severity=parts["severity"].to_numpy(),
        method="stated downturn of one region or purpose", factor=parts["cut"].to_numpy(), **terms.told(),
    )  # fmt: skip
    shares = {"name": book.groupby("customer_id")["balance"].sum()}
    shares |= {cut: book.fillna({column: "unknown"}).groupby(column)["balance"].sum() for cut, column in cuts.items()}
    by_name = book.assign(loss=book["balance"] * book["loss_given_default"]).groupby("customer_id")
    names = granularity_adjustment(
        by_name["balance"].sum(), _weighted(book, "default_probability"), _weighted(book, "loss_given_default")
    )
    absent = [cut for cut in CUTS if cut not in cuts]
    notes = (f"not known in this source: {', '.join(absent)}",) if absent else ()
    spread = concentration(shares)
    spread.loc[spread["cut"] == "name", "largest"] = "a customer"  # pages of management identify nobody
    told = {f"{row['cut']}_{what}": float(row[what]) for row in spread.to_dict("records")
            for what in ("herfindahl", "largest_share", "largest_ten_share")}  # fmt: skip
    return Delivery(rows, {"concentration": spread, "names": names}, notes, told)


def _weighted(book: pd.DataFrame, column: str) -> pd.Series:
    """Mean of a column by customer, weighted with the balance."""
    total = book.groupby("customer_id")["balance"].sum()
    return (book[column] * book["balance"]).groupby(book["customer_id"]).sum() / total


def _parts(book: pd.DataFrame, cut: str, column: str, settings: ConcentrationSettings) -> pd.DataFrame:
    p = book["default_probability"].to_numpy(float)
    bad = conditional_probability(p, -settings.downturn_factor, settings.downturn_correlation)
    worth = book["balance"] * book["loss_given_default"]
    rows = pd.DataFrame(
        {"part": book[column].fillna("unknown"), "exposure": book["balance"], "loss": worth * (bad - p)}
    )
    share = rows.groupby("part")["exposure"].transform("sum") / rows["exposure"].sum()
    rows["part"] = rows["part"].where(share >= settings.smallest_share, "small ones together")
    by = rows.groupby("part").sum().reset_index()
    by["severity"] = (by["loss"] / by["exposure"].where(by["exposure"] > 0)).clip(lower=0).fillna(0.0)
    return by.assign(cut=cut, position=cut + ": " + by["part"].astype(str))


UNIT = Unit(
    "concentration", "Concentration: a downturn of one region or purpose alone", ("credit_book", "customers", "loans"),
    ConcentrationSettings, measure,
    estimated="how the book is spread; default probability and loss given default of every loan",
    stated="how likely and how deep a local downturn is",
    expected_elsewhere=True,
)  # fmt: skip
