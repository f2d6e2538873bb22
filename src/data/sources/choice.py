"""Choose the sources that `source` in the common parameters names."""

import os
import re
from collections.abc import Mapping
from typing import Any

from ...errors import ParamsError, nearest


def chosen(sources: Mapping[str, list[dict[str, Any]]], name: str) -> list[dict[str, Any]]:
    """Pick the settings of one customer base, ``${VARIABLES}`` in them filled in from the environment.

    Raises
    ------
    ParamsError
        If the name or a variable is unknown.

    Examples
    --------
    >>> chosen({"demo": [{"kind": "demo", "path": "data/source/demo"}]}, "demo")
    [{'kind': 'demo', 'path': 'data/source/demo'}]
    >>> chosen({"demo": []}, "dmeo")
    Traceback (most recent call last):
    ...
    afraz.errors.ParamsError: source 'dmeo' is not among `sources` in params/ingest.yaml: did you mean demo?
    """
    if name not in sources:
        raise ParamsError(f"source {name!r} is not among `sources` in params/ingest.yaml: {nearest(name, sources)}")
    return [{key: _filled(value) for key, value in source.items()} for source in sources[name]]


def _filled(value: Any) -> Any:
    if not isinstance(value, str):
        return value

    def fill(match: re.Match[str]) -> str:
        if match[1] not in os.environ:
            raise ParamsError(f"{value!r} in params/ingest.yaml: set {match[1]} in the environment")
        return os.environ[match[1]]

    return re.sub(r"\$\{(\w+)\}", fill, value)
