"""Find an audience: customers who meet a condition, counted and described against everybody else.

Conditions are a small language of comparisons, read as Python spells them and evaluated here: nothing else of Python
is understood, so a condition from a ticket or a form can do no harm.
"""

import ast
import difflib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..errors import ParamsError

Mask = NDArray[np.bool_]

_ORDERED: dict[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Eq: lambda a, b: a == b, ast.NotEq: lambda a, b: a != b, ast.Lt: lambda a, b: a < b,
    ast.LtE: lambda a, b: a <= b, ast.Gt: lambda a, b: a > b, ast.GtE: lambda a, b: a >= b,
}  # fmt: skip
GRAMMAR = "write it like value in ['high'] and loyalty == 'at_risk' and age_years >= 30"


@dataclass(frozen=True)
class Condition:
    """A condition that was read; ``names`` are the columns that it speaks of."""

    text: str
    tree: ast.expr
    names: tuple[str, ...]


def read_condition(text: str) -> Condition:
    """Read a condition: comparisons of a column with a value or a list, joined by and, or, not.

    Raises
    ------
    ParamsError
        If it is no such condition.

    Examples
    --------
    >>> read_condition("value in ['high'] and not age_years < 30").names
    ('value', 'age_years')
    >>> read_condition("__import__('os').system('true')")
    Traceback (most recent call last):
    ...
    afraz.errors.ParamsError: condition: 'Call' is not understood in "__import__('os').system('true')": ...
    """
    try:
        tree = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError) as wrong:
        raise ParamsError(f"condition {text!r} cannot be read ({getattr(wrong, 'msg', wrong)}): {GRAMMAR}") from None
    names: list[str] = []
    _check(tree, text, names)
    return Condition(text, tree, tuple(dict.fromkeys(names)))


def _refuse(node: ast.AST, text: str) -> ParamsError:
    return ParamsError(f'condition: {type(node).__name__!r} is not understood in "{text}": {GRAMMAR}')


def _check(node: ast.expr, text: str, names: list[str]) -> None:
    if isinstance(node, ast.BoolOp):
        for value in node.values:
            _check(value, text, names)
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        _check(node.operand, text, names)
    elif isinstance(node, ast.Compare) and isinstance(node.left, ast.Name) and len(node.ops) == 1:
        names.append(node.left.id)
        operator, value = node.ops[0], node.comparators[0]
        if isinstance(operator, (ast.In, ast.NotIn)) != isinstance(value, (ast.List, ast.Tuple, ast.Set)):
            raise ParamsError(f'condition: in and not in take a list, other comparisons a value, in "{text}"')
        if not isinstance(operator, (*_ORDERED, ast.In, ast.NotIn)):
            raise _refuse(operator, text)
        try:
            ast.literal_eval(value)
        except ValueError:
            raise _refuse(value, text) from None
    else:
        raise _refuse(node, text)


def matching(
    table: pd.DataFrame, condition: Condition, segments: Mapping[str, Mapping[str, str]] | None = None
) -> Mask:
    """Tell which rows meet a condition; a missing value meets none but ``!=`` and ``not in``.

    Parameters
    ----------
    table : DataFrame
        One row per customer.
    condition : Condition
    segments : mapping of lens to mapping of segment to name, optional
        Segments may be named by id or by name; one that the lens doesn't have is refused.

    Returns
    -------
    ndarray of bool, shape (rows,)

    Raises
    ------
    ParamsError
        For an unknown column or segment (the known ones are listed), or a comparison of text with a number.

    Examples
    --------
    >>> table = pd.DataFrame({"loyalty": ["at_risk", "loyal", None], "age": [30.0, 50.0, 70.0]})
    >>> lenses = {"loyalty": {"at_risk": "at risk", "loyal": "loyal"}}
    >>> matching(table, read_condition("loyalty == 'at risk' or age > 60"), lenses).tolist()
    [True, False, True]
    >>> matching(table, read_condition("loyalty == 'gone'"), lenses)
    Traceback (most recent call last):
    ...
    afraz.errors.ParamsError: lens 'loyalty' has no segment 'gone': it has at_risk (at risk), loyal (loyal)
    """
    segments = segments or {}
    for name in condition.names:
        if name not in table.columns:
            close = difflib.get_close_matches(name, [*segments, *map(str, table.columns)], n=1)
            hint = f"did you mean {close[0]}? " if close else ""
            raise ParamsError(
                f"no lens or column {name!r}: {hint}Lenses are {', '.join(segments) or 'absent'}; columns are those of "
                "the feature dictionary"
            )
    return _evaluate(condition.tree, table, segments)


def _evaluate(node: ast.expr, table: pd.DataFrame, segments: Mapping[str, Mapping[str, str]]) -> Mask:
    if isinstance(node, ast.BoolOp):
        join = np.logical_and if isinstance(node.op, ast.And) else np.logical_or
        return np.asarray(join.reduce([_evaluate(value, table, segments) for value in node.values]))
    if isinstance(node, ast.UnaryOp):
        return ~_evaluate(node.operand, table, segments)
    assert isinstance(node, ast.Compare)  # read_condition saw to it
    name = node.left.id  # type: ignore[attr-defined]
    operator, wanted = node.ops[0], _known(ast.literal_eval(node.comparators[0]), name, segments)
    if isinstance(operator, (ast.In, ast.NotIn)):
        _same_kind(table[name], list(wanted))
        inside = table[name].isin(list(wanted)).to_numpy()
        return inside if isinstance(operator, ast.In) else ~inside
    _same_kind(table[name], [wanted])
    compared = _ORDERED[type(operator)](table[name], wanted)
    return compared.fillna(isinstance(operator, ast.NotEq)).to_numpy(dtype=bool)


def _known(value: Any, name: str, segments: Mapping[str, Mapping[str, str]]) -> Any:
    """Replace names of segments by their ids; values of other columns stay as they are."""
    if name not in segments:
        return value
    if isinstance(value, (list, tuple, set)):
        return [_known(one, name, segments) for one in value]
    ids = {**{spoken: id for id, spoken in segments[name].items()}, **{id: id for id in segments[name]}}
    if value not in ids:
        known = ", ".join(f"{id} ({spoken})" for id, spoken in segments[name].items())
        raise ParamsError(f"lens {name!r} has no segment {value!r}: it has {known}")
    return ids[value]


def _same_kind(column: pd.Series, wanted: list[Any]) -> None:
    numeric = pd.api.types.is_numeric_dtype(column)
    for value in wanted:
        if numeric != isinstance(value, (int, float)) and not pd.api.types.is_datetime64_any_dtype(column):
            kind = "numbers" if numeric else "text"
            raise ParamsError(f"{column.name!r} holds {kind}, the condition compares it with {value!r}")
