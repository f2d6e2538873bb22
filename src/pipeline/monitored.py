"""Keep what was said of models: each verdict is a line of the ledger, once, whatever is computed anew later."""

import os
from dataclasses import dataclass

import pandas as pd

from .. import catalog
from ..digests import text_digest
from ..errors import DataError
from ..governance.ledger import Decision, ledger
from ..governance.standing import numbers
from ..monitoring.verdict import at_least


@dataclass(frozen=True)
class Standing:
    """What the stage found last.

    Attributes
    ----------
    verdicts : DataFrame
        ``model, as_of, verdict, digest, evidence`` of the last month.
    not_watched : dict of model to str
        Why a model was not watched.
    """

    verdicts: pd.DataFrame
    not_watched: dict[str, str]

    def reached(self, limit: str) -> list[str]:
        """Models whose verdict is as grave as a limit, or graver.

        Raises
        ------
        ParamsError
            For a limit that is no verdict.
        """
        at_least("keep", limit)  # refuses a limit that is none, though there be no model
        named = zip(self.verdicts["model"], self.verdicts["verdict"], strict=True)
        return [str(model) for model, verdict in named if at_least(str(verdict), limit)]


def last_verdicts() -> Standing:
    """Read what the stage monitor found last.

    Raises
    ------
    DataError
        If it has not run.
    NotApplicable
        If it had nothing to watch.
    """
    found: dict[str, dict[str, str]] = catalog.load("monitor_metrics")
    if not catalog.path("monitor_verdicts").exists():
        raise DataError("nothing was watched: " + str(found.get(catalog.NOT_APPLICABLE, "run `dvc repro monitor`")))
    verdicts = catalog.load("monitor_verdicts")
    last = verdicts[verdicts["as_of"] == verdicts["as_of"].max()].reset_index(drop=True)
    return Standing(last, dict(found.get("not_watched", {})))


def record_monitored() -> list[Decision]:
    """Write a line for every verdict of the last month that the ledger does not know yet; experiments leave none.

    What is said anew of the same version and date, with other evidence, is another line: nothing is overwritten.
    """
    if os.environ.get("DVC_EXP_NAME") or not catalog.path("monitor_verdicts").exists():
        return []
    said = last_verdicts().verdicts
    book = ledger()
    with book.held():
        lines = book.decisions()
        known = {(d.model, d.digest, d.evidence["as_of"], d.evidence["said"]) for d in lines if d.action == "monitored"}
        versions = numbers(lines)
        written = []
        for row in said.to_dict("records"):
            evidence = {"as_of": f"{row['as_of']:%Y-%m-%d}", "verdict": row["verdict"],
                        "said": text_digest(row["evidence"])}  # fmt: skip
            if (row["model"], row["digest"], evidence["as_of"], evidence["said"]) not in known:
                version = versions.get((row["model"], row["digest"]), 0)
                note = f"{row['verdict']}: {row['evidence']}"
                written.append(book.append(row["model"], "monitored", version, row["digest"], note=note,
                                           evidence=evidence))  # fmt: skip
        return written


def history(model: str | None = None) -> list[Decision]:
    """Every verdict that was ever recorded, of one model or of all, oldest first."""
    return [d for d in ledger().decisions(model) if d.action == "monitored"]
