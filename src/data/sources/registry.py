"""The kinds of source: settings in, delivery out."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ...errors import DataError
from . import berka, demo, files, sql
from .delimited import Layout, default_delimiter, read_delimited, read_header, require
from .demo import open_parquet
from .mapping import refuse_missing
from .settings import CustomerMap, parse
from .staging import Delivery, Workspace, quoted

STAGES: dict[str, Callable[[Workspace, Any], Delivery]] = {
    "demo": demo.stage,
    "files": files.stage,
    "sql": sql.stage,
    "berka": berka.stage,
}


def stage(space: Workspace, settings: Mapping[str, Any]) -> Delivery:
    """Check the settings of a source and stage what it delivers."""
    parsed = parse(settings)
    delivery = STAGES[parsed.kind](space, parsed)
    delivery.covers_until = parsed.covers_until or delivery.covers_until
    delivery.prefix = parsed.prefix
    if parsed.customer_map:
        delivery.customer_map = _read_map(space, parsed.customer_map)
    return delivery


def _read_map(space: Workspace, settings: CustomerMap) -> str:
    """Read which customer an id means; an id that means two is refused, since rows would double."""
    file, needed = Path(settings.path), [settings.source_id, settings.customer_id]
    if file.suffix.lower() == ".parquet":
        relation = open_parquet(space, file)
        refuse_missing(str(file), needed, list(space.types(relation)))
    else:
        layout = Layout(default_delimiter(file))
        header = read_header(file, layout)
        require(file, header, needed, layout)
        relation = read_delimited(space, file, layout, header).relation
    ids = ", ".join(f"trim(CAST({quoted(c)} AS VARCHAR)) AS {alias}"
                    for c, alias in zip(needed, ("source_id", "common_id"), strict=True))  # fmt: skip
    known = space.table("customer_map", f"SELECT DISTINCT {ids} FROM {quoted(relation)}")
    twice = space.run(f"SELECT source_id FROM {known} GROUP BY 1 HAVING count(*) > 1 ORDER BY 1 LIMIT 1")
    if twice:
        raise DataError(f"{file} maps the id {twice[0][0]!r} to two customers: keep one of the lines")
    return known
