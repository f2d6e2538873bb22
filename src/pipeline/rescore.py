"""Score a date again with the version that scored it then, and hold the bytes against those of then."""

import tempfile
from dataclasses import dataclass
from pathlib import Path

from .. import catalog
from ..errors import GateError
from ..governance.history import champion_on
from ..governance.ledger import ledger
from ..governance.registry import Champion, version_of
from ..params import iso_date
from ..scoring.sinks import read_manifest, write_scores
from .score import scorer_of
from .scored import key


@dataclass(frozen=True)
class Rescored:
    """One file made again; ``then`` is None where nothing says what it was."""

    dataset: str
    version: int
    rows: int
    now: str
    then: str | None
    same_input: bool
    kept: Path | None

    @property
    def same(self) -> bool:
        return self.then in {None, self.now}

    def told(self) -> str:
        """One line."""
        head = f"{self.dataset}: {self.rows:,} rows with version {self.version}, {self.now[:12]}"
        if self.then is None:
            said = "; the ledger does not know what was scored then, so there is nothing to compare with"
        elif self.same:
            said = ": the same bytes as then"
        else:
            why = "parameters or code changed since" if self.same_input else "the data of that date changed since"
            said = f": NOT the bytes of then ({self.then[:12]}): {why}"
        return f"{head}{said}{f' → {self.kept}' if self.kept else ''}"


def rescore(model: str, as_of: str, out: Path | None = None) -> list[Rescored]:
    """Make the scores of a date again; the workspace's own score files are not touched.

    The version is the one that the ledger says scored the date last; where it knows none, the champion of that day.

    Parameters
    ----------
    out : Path, optional
        Keep the files, with their manifests, in this folder.

    Raises
    ------
    ParamsError
        For a date that is none, or a model that is not scored.
    GateError
        If neither scores nor a champion of that day are known, or the store no longer holds the version.
    """
    day = iso_date(as_of)
    score = scorer_of(model)
    lines = [d for d in ledger().decisions(model) if d.action == "scored" and d.evidence["as_of"] == as_of]
    then = {key(line)[0]: line for line in lines}  # the last of each
    digests = {line.digest for line in then.values()} or {champion_on(model, as_of).digest}
    if len(digests) > 1:
        raise GateError(f"{model} on {as_of}: its files were scored with different versions; see `afraz ledger show`")
    used: Champion = version_of(model, digests.pop())
    found = []
    with tempfile.TemporaryDirectory() as temporary:
        for name, scores, manifest in score(used, day):
            place = (out or Path(temporary)) / Path(catalog.dataset(name).path).name
            write_scores(scores, manifest, place)
            now = read_manifest(place) or {}
            line = then.get(name)
            found.append(Rescored(
                name, used.version, len(scores), str(now["file_digest"]), line.evidence["file"] if line else None,
                line is not None and line.evidence["input"] == str(now.get("input_digest", "")), place if out else None,
            ))  # fmt: skip
    return found
