"""Support packages: who would take which, what they bring and cost. A scenario, and no estimate of demand.

Nobody has been offered a package at a price drawn by lot, so what customers would pay is not known. The scenario is
stated: each customer takes the package that is best by the fees it saves, its price, and an attraction that the less
price-sensitive feel more (surveys). What it shows is how cost, price and self-selection hang together.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import Field

from ...errors import DataError, ParamsError
from ..stated import Stated
from .gamma_poisson import expected_excess

Array = NDArray[np.float64]

POINTS = 11  # of the distribution of price sensitivity, for customers who never answered


class Package(Stated):
    """A package of support for a year, in currency."""

    word: ClassVar[str] = "package setting"

    price: float = Field(0.0, ge=0, description="for a year")
    included: int | None = Field(None, ge=0, le=100, description="contacts without a fee; None: all of them")
    extra: float = Field(0.0, ge=0, description="fee of each further contact")
    attraction: float = Field(0.0, ge=0, description="worth of what comes with it, where price is nothing")
    usage: float = Field(1.0, gt=0, description="contacts under it, as a multiple of today's: what is free is used")


@dataclass(frozen=True)
class Demand:
    """What the scenario knows of customers: arrays of one row per customer.

    Attributes
    ----------
    contacts, shape : ndarray, shape (customers,)
        Contacts expected in a year, and the shape of their spread (see :func:`.gamma_poisson.expected_excess`).
    cost : ndarray, shape (customers,)
        Of a contact.
    sensitivity : ndarray, shape (customers, points)
        Price sensitivity from 0 to 1: the customer's own answer, repeated, or the answers of others spread evenly.
    """

    contacts: Array
    shape: Array
    cost: Array
    sensitivity: Array


def spread_sensitivity(answers: pd.Series) -> Array:
    """Give each customer's price sensitivity, or for those who never answered the distribution of those who did.

    Raises
    ------
    DataError
        Where nobody answered, or answers lie outside of 0 to 1.

    Examples
    --------
    >>> spread_sensitivity(pd.Series([0.2, None, 0.4]))[:, [0, -1]].round(2).tolist()
    [[0.2, 0.2], [0.21, 0.39], [0.4, 0.4]]
    """
    known = answers.dropna().to_numpy(float)
    if not len(known):
        raise DataError("no customer answered how sensitive to prices they are: packages cannot be priced by a survey")
    if known.min() < 0 or known.max() > 1:
        raise DataError(f"price sensitivity lies from 0 to 1, got {known.min():g} to {known.max():g}")
    spread = np.quantile(known, (np.arange(POINTS) + 0.5) / POINTS)
    own = answers.to_numpy(float)[:, None]
    return np.where(np.isnan(own), spread[None, :], own)


def take_up(demand: Demand, packages: Mapping[str, Package]) -> dict[str, Array]:
    """Give the probability with which each customer takes each package; the first package wins among equals.

    Returns
    -------
    dict
        Package → shape (customers,); they add up to 1.

    Raises
    ------
    ParamsError
        If no package is free: then some would have none.
    """
    if not any(package.price == 0 for package in packages.values()):
        raise ParamsError("one package has to have the price 0: whoever takes no other has that one")
    prices = {name: package.price for name, package in packages.items()}
    return _best(_benefits(demand, packages), prices)


def _benefits(demand: Demand, packages: Mapping[str, Package]) -> dict[str, Array]:
    """What each package is worth before its price; shape (customers, points)."""
    return {
        name: package.attraction * (1 - demand.sensitivity) - fees(demand, package)[:, None]
        for name, package in packages.items()
    }


def _best(benefits: Mapping[str, Array], prices: Mapping[str, float]) -> dict[str, Array]:
    best = np.stack([benefit - prices[name] for name, benefit in benefits.items()]).argmax(axis=0)
    return {name: (best == k).mean(axis=1) for k, name in enumerate(benefits)}


def fees(demand: Demand, package: Package) -> Array:
    """Give the fees that each customer is expected to pay for contacts beyond those included."""
    if package.included is None or package.extra == 0:
        return np.zeros(len(demand.contacts))
    return package.extra * expected_excess(demand.contacts * package.usage, demand.shape, package.included)


def price_packages(demand: Demand, packages: Mapping[str, Package]) -> pd.DataFrame:
    """Tell for each package who takes it, what they bring and cost, and how far takers are from everybody.

    Returns
    -------
    DataFrame
        ``package, price, takers`` (expected number), ``share, income, fees, cost, margin`` (a year), ``margin_each``,
        ``cost_each`` (of takers), ``cost_everybody`` (had all customers taken it), ``selection`` (the first over the
        second: above 1 the package draws those who cost more) and ``price_for_all`` (that covers the cost if everybody
        took it; with those who take it at their own choice, see :func:`break_even`).
    """
    taken = take_up(demand, packages)
    rows = []
    for name, package in packages.items():
        extra = fees(demand, package)
        found = _books(demand, package, taken[name], extra)
        everybody = _books(demand, package, np.ones(len(demand.contacts)), extra)
        rows.append({
            "package": name, "price": package.price, **found, "cost_everybody": everybody["cost_each"],
            "selection": found["cost_each"] / everybody["cost_each"] if found["takers"] else np.nan,
            "price_for_all": everybody["cost_each"] - everybody["fees"] / len(demand.contacts),
        })  # fmt: skip
    return pd.DataFrame(rows)


def _books(demand: Demand, package: Package, share: Array, extra: Array) -> dict[str, Any]:
    takers = float(share.sum())
    cost = float((share * demand.contacts * package.usage * demand.cost).sum())
    paid = float((share * extra).sum())
    income = takers * package.price
    margin = income + paid - cost
    return {"takers": takers, "share": takers / len(share), "income": income, "fees": paid, "cost": cost,
            "margin": margin, "margin_each": margin / takers if takers else np.nan,
            "cost_each": cost / takers if takers else np.nan}  # fmt: skip


def price_curve(demand: Demand, packages: Mapping[str, Package], name: str, steps: int = 60) -> pd.DataFrame:
    """Vary the price of one package from nearly nothing to three times what is asked; the others stay.

    Returns
    -------
    DataFrame
        ``package, price, takers, share, margin, margin_each, cost_each``.
    """
    benefits, extra = _benefits(demand, packages), fees(demand, packages[name])
    prices = {other: package.price for other, package in packages.items()}
    rows = []
    for price in np.linspace(0, 3 * max(packages[name].price, 1.0), steps + 1)[1:]:
        asked = packages[name].model_copy(update={"price": float(price)})
        share = _best(benefits, {**prices, name: asked.price})[name]
        rows.append({"package": name, "price": asked.price, **_books(demand, asked, share, extra)})
    return pd.DataFrame(rows)[["package", "price", "takers", "share", "margin", "margin_each", "cost_each"]]


def break_even(curve: pd.DataFrame) -> float:
    """Give the lowest price of a curve from which takers cover their cost; NaN where none does.

    Examples
    --------
    >>> break_even(pd.DataFrame({"price": [1.0, 2.0, 3.0], "takers": [9.0, 5, 0], "margin": [-4.0, 1.0, 0.0]}))
    2.0
    >>> break_even(pd.DataFrame({"price": [1.0], "takers": [9.0], "margin": [-4.0]}))
    nan
    """
    covers = curve[(curve["takers"] >= 1) & (curve["margin"] >= 0)]
    return float(covers["price"].iloc[0]) if len(covers) else float("nan")
