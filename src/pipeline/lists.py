"""Hand contact lists out to those who work through them, and take in what came back."""

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from .. import catalog
from ..data.flat import read_flat_table
from ..decisioning.export import Sent, send, write_lists
from ..decisioning.feedback.responses import KEY, accept_responses, merged, taken_in_before, treatments_of
from ..decisioning.rounds import kept_rounds
from ..errors import DataError, ParamsError
from ..reports.spreadsheet import RUN_BY_SPREADSHEETS, neutralised
from ..scoring.export import write_table

READ_BY_INGEST = (".csv", ".parquet")


@dataclass(frozen=True)
class Returned:
    """Where the responses are now: ``treatments`` and ``campaigns`` for a source of kind ``files``, and refused rows.

    ``accepted`` and ``rejected`` count the rows of the file just taken in.
    """

    treatments: Path
    campaigns: Path
    rejects: Path | None
    accepted: int
    rejected: int


def hand_out(
    folder: Path, *, by: str = "campaign_id", ending: str = ".xlsx", url_env: str | None = None,
    table: str = "contact_list",
) -> tuple[list[Path], Sent | None]:  # fmt: skip
    """Write the contact lists of the round as files, and into a database where one is named.

    Parameters
    ----------
    by : one file per value of this column
    ending : ``.xlsx`` or ``.csv``
    url_env : environment variable with the SQLAlchemy URL of the database

    Raises
    ------
    DataError
        If no round was decided, or the column is unknown.
    """
    rows = _decided("contact_list")
    if by not in rows:
        raise DataError(f"contact lists have no column {by!r}: choose one of {', '.join(map(str, rows.columns))}")
    sent = None if url_env is None else send(rows, url_env, table)
    return write_lists(rows, folder, by=by, ending=ending), sent


def take_in(file: Path, out: Path, received_at: pd.Timestamp) -> Returned:
    """Hold responses against the lists of all rounds kept and put them among the ``treatments`` taken in before.

    Everybody who was assigned has a row, control groups too: effects are by intention to treat. A customer is assigned
    when the week begins that was planned, in control as well, so that every response window begins when a contact may;
    weeks that have not begun when the responses came have no rows yet, nor has a round of which nothing ever came back:
    it may never have been carried out. The campaigns of the rows are written as well, for ingest accepts no treatment
    without its campaign. A later file completes and corrects: what it states about a customer of a campaign replaces
    what was known, what it leaves empty stays. Taking the same file in again changes nothing.

    Parameters
    ----------
    file : CSV or Parquet with ``campaign_id, customer_id, delivered_at, reached_at, responded_at, response_value``
    out : CSV or Parquet where the rows of ``treatments`` are, or go; ``<out>_campaigns`` with the same ending is beside
        it: name both in a source of kind ``files`` in params/ingest.yaml. Refused rows are kept in
        ``<out>_rejects.csv``.
    received_at : when the responses came

    Raises
    ------
    DataError
        If no round was decided, a column is missing, or what stands in ``out`` are no rows of ``treatments``.
    ParamsError
        If ``out`` has another ending.
    """
    if out.suffix not in READ_BY_INGEST:
        raise ParamsError(f"{out.name}: expected a file that ends in {' or '.join(READ_BY_INGEST)}")
    lists, campaigns = _kept_rounds()
    before = taken_in_before(_written(out)) if out.exists() else None
    came = _as_listed(read_flat_table(file, as_text=True))
    found = accept_responses(lists, came, received_at=received_at, before=before)
    known = found.accepted if before is None else merged(before, found.accepted)
    heard = campaigns.loc[campaigns["campaign_id"].isin(known["campaign_id"]), "starts_at"]
    campaigns = campaigns[campaigns["starts_at"].isin(heard)]  # of the rounds that were carried out
    begun = lists["campaign_id"].isin(campaigns["campaign_id"]) & (lists["assigned_at"] < received_at)
    whole = treatments_of(lists[begun], known)
    whole = whole if before is None else merged(before, whole)
    place = out.with_name(f"{out.stem}_campaigns{out.suffix}")
    campaigns = campaigns[campaigns["campaign_id"].isin(whole["campaign_id"])]
    if place.exists():
        campaigns = merged(_written(place), campaigns, ["campaign_id"])
    refused = _keep_rejects(found.rejects, file, out) if len(found.rejects) else None
    return Returned(
        write_table(whole, out, verbatim=True), write_table(campaigns, place, verbatim=True), refused,
        len(found.accepted), len(found.rejects),
    )  # fmt: skip


def _kept_rounds() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Read who was assigned what in every round that is kept, and the campaigns of these rounds."""
    days = list(kept_rounds(name="round_campaigns"))
    if not days:
        raise DataError("no round was decided yet: run `dvc repro decide` first")
    parts = []
    for day in days:
        rows = pd.concat([catalog.load(n, as_of=day) for n in ("round", "round_withheld")], ignore_index=True)
        weeks = rows["week"].fillna(1).astype(int)
        begins = pd.Timestamp(day) + pd.to_timedelta(7 * (weeks - 1), unit="D")
        parts.append(rows[[*KEY, "arm", "propensity"]].assign(assigned_at=begins))
    lists = pd.concat(parts, ignore_index=True)
    lists["expires_at"] = pd.Series(pd.NaT, lists.index)  # windows are judged by the feedback
    return lists, pd.concat([catalog.load("round_campaigns", as_of=day) for day in days], ignore_index=True)


def _keep_rejects(rejects: pd.DataFrame, file: Path, out: Path) -> Path:
    """Add refused rows, with the name of their file, to those of earlier files; the same row is kept once."""
    place = out.with_name(f"{out.stem}_rejects.csv")
    rows = neutralised(rejects.astype(object).fillna("").astype("str").assign(file=file.name))
    if place.exists():
        rows = pd.concat([read_flat_table(place, as_text=True), rows], ignore_index=True).drop_duplicates()
    return write_table(rows, place)


def _written(place: Path) -> pd.DataFrame:
    """Read what an earlier call wrote; without a single response that is a header alone."""
    if place.suffix == ".parquet":
        return pd.read_parquet(place)
    return pd.read_csv(place, dtype=str, keep_default_na=False)


def _as_listed(came: pd.DataFrame) -> pd.DataFrame:
    """Take the apostrophe off ids that got one when their list was handed out as a file."""
    marked = tuple(f"'{sign}" for sign in RUN_BY_SPREADSHEETS)
    for name in came.columns.intersection(KEY):
        text = came[name].astype("str")
        came = came.assign(**{name: came[name].mask(text.str.startswith(marked, na=False), text.str[1:])})
    return came


def _decided(name: str) -> pd.DataFrame:
    if not catalog.path(name).exists():
        raise DataError("no round was decided yet: run `dvc repro decide` first")
    return pd.DataFrame(catalog.load(name))
