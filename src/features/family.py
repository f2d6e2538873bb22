"""A family of features: what it needs of the summary of transactions, its own ingredients, and its features."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import ibis.expr.types as ir

from .feature import Feature
from .inputs import Inputs


def _nothing(inputs: Inputs) -> Iterator[ir.Table]:
    yield from ()


@dataclass(frozen=True)
class Family:
    """A family as :func:`afraz.features.table.build_features` puts it together.

    Attributes
    ----------
    name : str
        As in the dictionary.
    features : tuple of Feature
        What is computed from a row of ingredients.
    activity, days : tuple of str
        Measures and windows of transactions and of active days, named as :func:`afraz.features.activity.wide` takes
        them. All families share one scan.
    ingredients : callable
        Tables of its own, keyed by customer_id, or by customer_id and as_of.
    """

    name: str
    features: tuple[Feature, ...]
    activity: tuple[str, ...] = ()
    days: tuple[str, ...] = ()
    ingredients: Callable[[Inputs], Iterator[ir.Table]] = _nothing
