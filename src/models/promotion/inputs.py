"""Encoded features of an experiment's customers, and what is made of some of them, made once.

Many learners of several outcomes are taught by the same customers: those outside a fold, those of one arm. Binning them
for trees takes longer than the few trees that are grown on them.
"""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from threading import Lock
from typing import Any

import lightgbm as lgb
import numpy as np
from numpy.typing import NDArray

from .. import gbm
from ..linear import Scaling

Array = NDArray[np.float64]
Positions = NDArray[np.int64]


class Made:
    """Things by the rows that they were made of; one thread at a time makes or uses each."""

    def __init__(self) -> None:
        self._adding = Lock()
        self._kept: dict[bytes, tuple[Lock, list[Any]]] = {}

    @contextmanager
    def of(self, make: Callable[[], Any], *rows: NDArray[Any]) -> Iterator[Any]:
        """Give what was made of these rows, alone.

        Examples
        --------
        >>> made, rows = Made(), np.arange(3)
        >>> with made.of(lambda: ["first"], rows) as one, made.of(lambda: ["of others"], rows[:2]) as other:
        ...     one, other
        (['first'], ['of others'])
        >>> with made.of(lambda: ["second"], rows) as one:
        ...     one
        ['first']
        """
        key = hashlib.sha256()
        for part in rows:
            key.update(hashlib.sha256(part.tobytes()).digest())
        with self._adding:
            lock, found = self._kept.setdefault(key.digest(), (Lock(), []))
        with lock:
            if not found:
                found.append(make())
            yield found[0]


@dataclass(frozen=True)
class Inputs:
    """Some rows of an encoded matrix; parts of parts share what was made of equal rows.

    What is kept for trees takes a byte a value, the matrix eight.
    """

    matrix: Array
    names: list[str]
    place: Positions
    binned: Made = field(default_factory=Made, repr=False)
    scaled: Made = field(default_factory=Made, repr=False)

    @classmethod
    def of(cls, matrix: Array, names: list[str]) -> "Inputs":
        """Take all rows."""
        return cls(matrix, names, np.arange(len(matrix)))

    @property
    def x(self) -> Array:
        """The rows themselves, copied; shape (rows, features)."""
        return self.matrix[self.place]

    def part(self, inside: NDArray[np.bool_]) -> "Inputs":
        """Restrict to some rows."""
        return replace(self, place=self.place[inside])

    def scaling(self) -> Scaling:
        """How these rows are standardised."""
        with self.scaled.of(lambda: Scaling.learn(self.x), self.place) as found:
            scaling: Scaling = found
            return scaling

    def train(
        self, target: Array, parameters: dict[str, Any], rounds: int, appended: Array | None = None
    ) -> lgb.Booster:
        """Train trees for a target of these rows, with one more column ``appended`` if there is one."""
        extra = [] if appended is None else [appended]

        def bin_() -> lgb.Dataset:
            x = self.x if appended is None else np.column_stack([self.x, appended])
            return gbm.dataset(x, target, [*self.names, *(f"appended_{j}" for j in range(len(extra)))])

        with self.binned.of(bin_, self.place, *extra) as data:
            return gbm.train(data.set_label(target), parameters, rounds)

    def losses(
        self,
        target: Array,
        other: "Inputs",
        other_target: Array,
        parameters: dict[str, Any],
        rounds: int,
        patience: int,
    ) -> Array:
        """Train, and give the loss on other rows by number of trees; it ends ``patience`` trees after its best."""
        seen: dict[str, Any] = {}
        told: list[Any] = [lgb.record_evaluation(seen), lgb.early_stopping(patience, verbose=False)]
        with (
            self.binned.of(lambda: gbm.dataset(self.x, target, self.names), self.place) as train,
            self.binned.of(
                lambda: gbm.dataset(other.x, other_target, self.names, reference=train), self.place, other.place
            ) as valid,
        ):
            train.set_label(target)
            valid.set_label(other_target)
            lgb.train(parameters, train, rounds, valid_sets=[valid], valid_names=["valid"], callbacks=told)
        return np.asarray(next(iter(seen["valid"].values())))
