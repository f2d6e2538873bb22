"""Typed parameters: the annotated parameters cell of a notebook is the schema of its YAML file."""

import ast
import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from pydantic import ConfigDict, ValidationError, create_model

from .errors import ParamsError, StageError, nearest

COMMON = "common"
_TYPES = {"str": str, "int": int, "float": float, "bool": bool, "dict": dict, "list": list, "None": None, "Any": Any}


@dataclass(frozen=True)
class Parameter:
    """One line of a parameters cell: ``name: annotation = default``."""

    name: str
    annotation: Any
    default: Any


def notebook_of(stage: str, root: Path) -> Path:
    """Find ``notebooks/NN_<stage>.py``.

    Raises
    ------
    StageError
        Naming the stages that exist.
    """
    found = sorted((root / "notebooks").glob(f"[0-9][0-9]_{stage}.py"))
    if not found:
        stages = [p.stem[3:] for p in sorted((root / "notebooks").glob("[0-9][0-9]_*.py"))]
        raise StageError(f"no stage {stage!r} among notebooks/NN_*.py: {nearest(stage, stages)}")
    return found[0]


def parameters_cell(text: str) -> list[Parameter]:
    """Read the schema out of a py:percent notebook.

    Examples
    --------
    >>> cell = '# %% tags=["parameters"]\\nseed: int = 7\\nnote: str | None = None\\n# %%\\nprint(seed)\\n'
    >>> [(p.name, p.default) for p in parameters_cell(cell)]
    [('seed', 7), ('note', None)]
    """
    lines: list[str] = []
    inside = False
    for line in text.splitlines():
        if line.startswith("# %%"):
            inside = '"parameters"' in line
        elif inside:
            lines.append(line)
    found = []
    for node in ast.parse("\n".join(lines)).body:
        if not isinstance(node, ast.AnnAssign) or not isinstance(node.target, ast.Name) or node.value is None:
            raise ParamsError(f"a parameters cell holds only `name: type = literal`, not `{ast.unparse(node)}`")
        annotation = eval(ast.unparse(node.annotation), {"__builtins__": {}}, _TYPES)  # noqa: S307 the names above
        found.append(Parameter(node.target.id, annotation, ast.literal_eval(node.value)))
    return found


def iso_date(text: str, option: str = "--as-of") -> dt.date:
    """Read an ISO date from the command line.

    Examples
    --------
    >>> iso_date("1.7.2026")
    Traceback (most recent call last):
    ...
    afraz.errors.ParamsError: --as-of '1.7.2026': expected an ISO date such as 2026-07-01
    """
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        raise ParamsError(f"{option} {text!r}: expected an ISO date such as 2026-07-01") from None


def read_yaml(file: Path) -> dict[str, Any]:
    """Read a mapping safely; dates become ISO text, an empty file an empty mapping.

    Raises
    ------
    ParamsError
        If the file is absent, is not YAML, repeats a key, or is not a mapping.
    """
    if not file.exists():
        raise ParamsError(f"{file} is not there: every stage has a params file, if only with comments")
    try:
        value = yaml.load(file.read_text("utf-8"), Loader=_UniqueKeys)  # noqa: S506 a SafeLoader that refuses repeats
    except yaml.YAMLError as error:
        raise ParamsError(f"{file} is not readable as YAML: {' '.join(str(error).split())}") from None
    if not isinstance(value, Mapping | None):
        raise ParamsError(f"{file} holds a {type(value).__name__}, expected `name: value` lines")
    return {name: _plain(item) for name, item in (value or {}).items()}


class _UniqueKeys(yaml.SafeLoader):
    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen = set()
        for key, _ in node.value:
            if key.value in seen:
                raise yaml.MarkedYAMLError(problem=f"the key {key.value!r} stands twice", problem_mark=key.start_mark)
            seen.add(key.value)
        return super().construct_mapping(node, deep)


def _plain(value: Any) -> Any:
    if isinstance(value, dt.date | dt.datetime):
        return value.isoformat()
    if isinstance(value, dict):
        return {k: _plain(v) for k, v in value.items()}
    return [_plain(v) for v in value] if isinstance(value, list) else value


def check(values: Mapping[str, Any], schema: list[Parameter], where: str) -> dict[str, Any]:
    """Hold values against a schema; nothing is converted but int to float.

    Parameters
    ----------
    values : mapping
        What a file or a command line gave.
    schema : list of Parameter
        Of the notebook.
    where : str
        The file to name in an error.

    Raises
    ------
    ParamsError
        For an unknown key (naming the nearest known one) or a value of the wrong type.

    Examples
    --------
    >>> schema = [Parameter("n_trials", int, 20)]
    >>> check({"n_trials": 30}, schema, "params/churn.yaml")
    {'n_trials': 30}
    >>> check({"n_trails": 30}, schema, "params/churn.yaml")
    Traceback (most recent call last):
    ...
    afraz.errors.ParamsError: params/churn.yaml: unknown parameter 'n_trails': did you mean n_trials?
    >>> check({"n_trials": "many"}, schema, "params/churn.yaml")
    Traceback (most recent call last):
    ...
    afraz.errors.ParamsError: params/churn.yaml: n_trials: expected int, got 'many' (str)
    """
    types = {p.name: p.annotation for p in schema}
    for name in values:
        if name not in types:
            raise ParamsError(f"{where}: unknown parameter {name!r}: {nearest(str(name), types)}")
    fields: dict[str, Any] = {p.name: (p.annotation, p.default) for p in schema}
    model = create_model("Parameters", __config__=ConfigDict(strict=True, extra="forbid"), **fields)
    try:
        return {p.name: getattr(model(**values), p.name) for p in schema}
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0])
        expected = getattr(types[name], "__name__", str(types[name]))
        raise ParamsError(
            f"{where}: {'.'.join(str(x) for x in first['loc'])}: expected {expected}, "
            f"got {first['input']!r} ({type(first['input']).__name__})"
        ) from None


def load_params(stage: str, root: Path, overrides: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Merge ``params/common.yaml``, ``params/<stage>.yaml`` and overrides, checked against the notebook's cell.

    A key of ``common.yaml`` goes to every notebook that declares it; one that no notebook declares is refused.

    Raises
    ------
    ParamsError
        As :func:`check`.
    """
    schema = parameters_cell(notebook_of(stage, root).read_text("utf-8"))
    known = {p.name for p in schema}
    shared = read_yaml(root / "params" / f"{COMMON}.yaml")
    declared = {
        p.name for n in (root / "notebooks").glob("[0-9][0-9]_*.py") for p in parameters_cell(n.read_text("utf-8"))
    }
    for name in shared:
        if name not in declared:
            raise ParamsError(f"params/{COMMON}.yaml: unknown parameter {name!r}: {nearest(name, declared)}")
    check({k: v for k, v in shared.items() if k in known}, schema, f"params/{COMMON}.yaml")
    own = read_yaml(root / "params" / f"{stage}.yaml")
    check(own, schema, f"params/{stage}.yaml")
    both = sorted(set(shared) & set(own))
    if both:
        raise ParamsError(f"{both[0]} stands in params/{COMMON}.yaml and in params/{stage}.yaml: keep one of them")
    check(overrides or {}, schema, "command line")
    merged = {k: v for k, v in shared.items() if k in known} | own | dict(overrides or {})
    return check(merged, schema, f"params/{stage}.yaml")
