"""What a reviewer reads of a version, and what happens around a decision: judged anew, decided, written down."""

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import catalog
from ..errors import GateError
from ..governance import review as decisions
from ..governance.agenda import missing_approvals
from ..governance.checks import CHECKS, Outcome
from ..governance.comparison import Comparison, compare, read_contender
from ..governance.dossier import Subject, document, is_whole
from ..governance.entries import chosen_entries
from ..governance.evidence import inputs_for
from ..governance.gates import Gate, review_checks
from ..governance.ledger import ledger
from ..governance.model_card import DESCRIPTION, model_card
from ..governance.registry import DOSSIER, JUDGED, describe, version_of
from ..governance.review import Decided
from ..governance.standing import champion, standings
from ..tracking import client
from .dossier import subject_of
from .kept_evidence import PLACE, keep, kept_subject

if TYPE_CHECKING:
    from mlflow.entities.model_registry import ModelVersion

COMMIT = "mlflow.source.git.commit"
_TOLD = {"registered", "judged", "commented", "approved", "rejected", "champion", "rolled_back"}


@dataclass(frozen=True)
class UnderReview:
    """A version as the terminal shows it: lines on how it stands, and what each check found."""

    lines: tuple[str, ...]
    outcomes: tuple[Outcome, ...]


def prepare(gate: Gate, version: int) -> None:
    """Judge a version against the champion of today, and put its dossier beside its run."""
    known = client().get_model_version(gate.model, str(version))
    entry = chosen_entries([gate.model])[gate.model]
    folder, run = catalog.path(f"{gate.model}_model"), catalog.path(f"{gate.model}_run")
    comparison = _against_champion(gate.model, version, run, folder)
    judged = review_checks(entry, folder, today=_today(), comparison=comparison)
    whole = replace(gate, outcomes=(*gate.outcomes, *judged))
    subject = subject_of(
        entry, whole, version, decisions=_decisions(gate.model, version), comparison=comparison,
        commit=client().get_run(str(known.run_id)).data.tags.get(COMMIT),
    )  # fmt: skip
    _publish(subject, known)


def version_under_review(model: str, version: int) -> UnderReview:
    """Judge a version as of today, and say how it stands and where its dossier is.

    Raises
    ------
    GateError
        If it is unknown, or was registered before dossiers were written.
    """
    with _judged_anew(model, version) as (subject, known):
        if subject is None:
            raise GateError(f"{model} version {version} has no dossier: run `afraz sync` where it was built")
        lines = ledger().decisions(model)
        standing, in_use = standings(lines)[(model, version)], champion(lines)
        missing = missing_approvals(standing, subject.entry)
        status = (
            "is the champion" if in_use is not None and in_use.version == version
            else f"was rejected by {standing.rejected.who}: {standing.rejected.note}" if standing.rejected
            else "was champion before" if standing.was_champion
            else f"waits: {missing or 'approved'}"
        )  # fmt: skip
        said = [f"{model} version {version}, digest {subject.digest[:12]}: {status}",
                 f"built by {standing.builder}, {standing.since[:16].replace('T', ' ')} UTC, run {known.run_id}",
                 *_compared(subject), *(f"dossier: {place}" for place in _places(known))]  # fmt: skip
        said += [f"{d['at'][:10]} {d['who']} {d['action']}{': ' + d['note'] if d['note'] else ''}"
                  for d in subject.decisions]  # fmt: skip
        return UnderReview(tuple(said), subject.outcomes)


def approve(model: str, version: int, note: str, override_reason: str | None = None) -> Decided:
    """Judge a version as of today, say yes to it, and write the decision into its dossier.

    Raises
    ------
    GateError
        As :func:`afraz.governance.review.approve`; also for a check that only a review can judge.
    """
    with _judged_anew(model, version) as (subject, known):
        judged = () if subject is None else subject.outcomes
        failed = tuple(o.code for o in judged if o.status == "fail" and o.severity == "blocking" and _at_review(o.code))
        done = decisions.approve(model, version, note, override_reason=override_reason, failed=failed)
        if subject is not None:
            _publish(replace(subject, decisions=_decisions(model, version)), known)
    return done


def reject(model: str, version: int, note: str) -> Decided:
    """Say no to a version; see :func:`afraz.governance.review.reject`."""
    return _told(decisions.reject(model, version, note))


def comment(model: str, version: int, note: str) -> Decided:
    """Say something about a version; see :func:`afraz.governance.review.comment`."""
    return _told(decisions.comment(model, version, note))


def rollback(model: str, note: str) -> Decided:
    """Go back to what was in use before; see :func:`afraz.governance.review.rollback`."""
    return _told(decisions.rollback(model, note))


def restore(model: str) -> Decided:
    """Put the alias back; see :func:`afraz.governance.review.restore`."""
    return _told(decisions.restore(model))


def _told(done: Decided) -> Decided:
    """Write a decision into the dossier of its version, whose judgement stays the one that was kept."""
    model, version = done.line.model, done.line.version
    with _kept(model, version) as (subject, known):
        if subject is not None:
            _publish(replace(subject, decisions=_decisions(model, version)), known)
    return done


@contextmanager
def _judged_anew(model: str, version: int) -> "Iterator[tuple[Subject | None, ModelVersion]]":
    """Read what was kept of a version, with the checks of a review as of today and against the champion of today."""
    with _kept(model, version) as (subject, known):
        if subject is None:
            yield None, known
            return
        current = champion(ledger().decisions(model))
        comparison = subject.comparison
        if current is not None and current.version != version and (
            comparison is None or comparison.champion_digest != current.digest
        ):  # fmt: skip
            comparison = _against_champion(model, version, subject.run, subject.run / "model")
        found = comparison if isinstance(comparison, Comparison) else None
        judged = review_checks(subject.entry, subject.run / "model", today=_today(), comparison=found)
        stage = tuple(o for o in subject.outcomes if not _at_review(o.code))
        yield replace(subject, outcomes=(*stage, *judged), comparison=comparison), known


@contextmanager
def _kept(model: str, version: int) -> "Iterator[tuple[Subject | None, ModelVersion]]":
    import mlflow.artifacts
    from mlflow.exceptions import MlflowException

    entry = chosen_entries([model])[model]
    try:
        known = client().get_model_version(model, str(version))
    except MlflowException:
        raise GateError(f"{model} has no version {version} in the registry: see `afraz review {model}`") from None
    with tempfile.TemporaryDirectory() as scratch:
        run = Path(scratch)
        if known.run_id:
            address = client().get_run(known.run_id).info.artifact_uri
            run = Path(mlflow.artifacts.download_artifacts(artifact_uri=address, dst_path=scratch))
        yield kept_subject(run, entry, version, _decisions(model, version)), known


def _against_champion(model: str, version: int, run: Path, folder: Path) -> Comparison | None:
    """Compare with the champion on rows that neither learned from; None where there is none, or it is this version."""
    import mlflow.artifacts

    entry = chosen_entries([model])[model]
    current = champion(ledger().decisions(model))
    if current is None or current.version == version:
        return None
    in_use = version_of(model, current.digest)
    known = client().get_model_version(model, str(in_use.version))
    with tempfile.TemporaryDirectory() as scratch:
        address = client().get_run(str(known.run_id)).info.artifact_uri
        theirs = Path(mlflow.artifacts.download_artifacts(artifact_uri=address, dst_path=scratch))
        challenger = read_contender(model, version, run, folder)
        return compare(
            model, challenger, read_contender(model, in_use.version, theirs, in_use.folder), bounds=entry.bounds,
            features=inputs_for(model, challenger.predictions),
        )  # fmt: skip


def _publish(subject: Subject, known: "ModelVersion") -> None:
    """Log evidence, dossier and model card beside the run; the card, cut to what MLflow keeps, is the description."""
    whole = document(subject)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        keep(subject, folder)
        (folder / "dossier.html").write_text(whole.page().html, "utf-8")
        (folder / "model_card.md").write_text(model_card(whole), "utf-8")
        client().log_artifacts(str(known.run_id), str(folder), PLACE)
    # one with a chapter missing is written again by the next sync: the fault may be mended by then
    done = known.tags.get(JUDGED, "") if is_whole(whole) else ""
    describe(subject.name, subject.version, {DOSSIER: done}, model_card(whole, longest=DESCRIPTION))


def _decisions(model: str, version: int) -> list[Mapping[str, Any]]:
    lines = [d for d in ledger().decisions(model) if d.version == version and d.action in _TOLD]
    return [{**asdict(line), "action": line.action.replace("_", " ")} for line in lines]


def _compared(subject: Subject) -> list[str]:
    found = subject.comparison
    if found is None:
        return []
    judged = found.measures[found.measures["margin"].notna()]
    said = [f"{r.measure} {r.difference:+.4f} ({r.low:+.4f} to {r.high:+.4f})" for r in judged.itertuples()]
    return [f"against champion version {found.champion_version}: {'; '.join(said) or found.note}"]


def _places(known: "ModelVersion") -> list[str]:
    """Where the dossier is: a file where the store is of this machine, and its page in MLflow."""
    from urllib.parse import urlparse
    from urllib.request import url2pathname

    run = client().get_run(str(known.run_id)).info
    address = urlparse(f"{run.artifact_uri}/{PLACE}/dossier.html")
    local = [url2pathname(address.path)] if address.scheme in {"", "file"} else []
    return [*local, f"#/experiments/{run.experiment_id}/runs/{run.run_id}/artifacts/{PLACE}/dossier.html in MLflow"]


def _at_review(code: str) -> bool:
    return code in CHECKS and CHECKS[code].at == "review"


def _today() -> Any:
    return datetime.now(UTC).date()
