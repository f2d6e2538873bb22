"""Score as of any date with the champion, outside the pipeline."""

from datetime import date
from pathlib import Path

from .. import catalog
from ..errors import ParamsError, nearest
from ..features.scorable import customers_to_score
from ..governance.registry import registry_entries, resolve_champion
from ..scoring.batch import score
from ..scoring.sinks import write_scores
from .sync import sync


def score_as_of(model: str, as_of: str) -> tuple[Path, int, bool]:
    """Write ``data/scores/as_of=<date>/<model>.parquet`` and its manifest.

    Returns
    -------
    file : Path
    rows : int
    written : bool
        False if the very same scores were there already.

    Raises
    ------
    ParamsError
        For a date that is none, or an unknown model.
    GateError
        If the model has no champion.
    """
    try:
        day = date.fromisoformat(as_of)
    except ValueError:
        raise ParamsError(f"--as-of {as_of!r}: expected an ISO date such as 2026-07-01") from None
    entries = registry_entries()
    if model not in entries:
        raise ParamsError(f"no model {model!r} in mlflow/registry.yaml: {nearest(model, entries)}")
    sync()
    champion = resolve_champion(model)
    customers = customers_to_score(day)
    scores, manifest = score(
        champion.folder, customers, as_of=day, dictionary=catalog.load("dictionary"), model_digest=champion.digest
    )
    place = catalog.target(f"{model}_scores", as_of=as_of)
    return place, len(scores), write_scores(scores, manifest, place)
