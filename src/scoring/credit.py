"""Rate applications and the running book with a credit model: grade, expected loss, decision, reasons."""

import datetime as dt
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ..errors import ArtifactError
from ..models.artifact import Artifact, load_artifact
from ..models.credit.expected_loss import expected_loss, portfolio_loss
from ..models.credit.rating import DRAWS, Rating
from ..models.metrics import finite
from ..models.reason_codes import compare_reasons, points_reasons
from ..models.reasons import Phrases, phrases_of
from .batch import frame_digest, score, text_levels

ID = "loan_id"
KEPT = ("customer_id", "applied_on", "amount", "decision")


def rating_of(artifact: Artifact) -> Rating:
    """Read the rating that a credit model carries.

    Raises
    ------
    ArtifactError
        If it carries none.
    """
    if "rating" not in artifact.spec:
        raise ArtifactError(f"model {artifact.spec['model']!r} carries no rating: develop it with `dvc repro credit`")
    return Rating.from_dict(artifact.spec["rating"])


def score_applications(
    model_folder: Path, frame: pd.DataFrame, *, as_of: dt.date, dictionary: pd.DataFrame,
    model_digest: str | None = None, untold: tuple[str, ...] = (),
) -> tuple[pd.DataFrame, dict[str, Any]]:  # fmt: skip
    """Rate applications.

    Parameters
    ----------
    frame : DataFrame
        :func:`afraz.features.credit_scorable.applications_to_score`.
    untold : tuple of str
        Inputs that no reason may name, beside the protected attributes. "Your score was too low" tells an applicant
        nothing (US Regulation B, 12 CFR 1002.9(b)(2)), so the policy's own score belongs here.

    Returns
    -------
    scores : DataFrame
        What :func:`afraz.scoring.batch.score` gives, with ``grade, loss_given_default, expected_loss`` (currency, at
        the amount asked for), ``approved`` (at the model's cut-off) and, of a scorecard, ``lost_1 …`` (where points
        were lost: reasons that an applicant could be told). Of a blend the contributions of its parts add up by
        variable, so ``reason_1 …`` are told: what counts more against the applicant than on average, the other way
        that the regulation's commentary accepts.
    manifest : dict
        With ``cutoff`` and, of a scorecard, ``reasons_agree`` (points against SHAP).
    """
    artifact = load_artifact(model_folder, model_digest)
    carried, words = artifact.spec.get("rating", {}), phrases_of(dictionary)
    untold = (*untold, *carried.get("untold", []))  # a protected attribute is never a reason
    scores, manifest = score(
        model_folder, frame, as_of=as_of, dictionary=_directed(words, carried.get("signs", {})),
        model_digest=model_digest, id_column=ID, keep=KEPT, reasons=4, untold=untold, artifact=artifact,
    )  # fmt: skip
    rating, rows = rating_of(artifact), frame.sort_values(ID, kind="stable").reset_index(drop=True)
    p = scores["default_probability"].to_numpy()
    scores["grade"] = rating.scale.assign(p)
    scores["loss_given_default"] = rating.loss_given_default(rows)
    loss = expected_loss(p, scores["loss_given_default"].to_numpy(), rows["amount"].to_numpy(float))
    scores["expected_loss"] = loss.round(2)
    scores["approved"] = p <= rating.cutoff
    head = artifact.spec["heads"][0]
    if head["kind"] == "scorecard":
        features = artifact.spec["features"]
        told = points_reasons(
            head, features, artifact.matrix(rows), words, texts=text_levels(artifact, rows),
            untold=[f["name"] for f in features if f["name"] in untold],
        )  # fmt: skip
        manifest["reasons_agree"] = finite(compare_reasons(scores.filter(regex="^reason_"), told))
        scores = scores.join(told.rename(columns=lambda c: c.replace("reason_", "lost_")))
    manifest |= {"cutoff": rating.cutoff, "columns": list(scores.columns)}
    return scores, manifest


def _directed(words: Phrases, signs: Mapping[str, int]) -> dict[str, Mapping[str, Any]]:
    """Let an input that the model holds to a sign speak one way: it counts against an applicant in no other.

    What counts more than on average may still lie below the median, and "asks for little" would be no reason.
    """
    directed = dict(words)
    for name in signs.keys() & words.keys():
        said = words[name]["high" if signs[name] > 0 else "low"]
        directed[name] = {**words[name], "low": said, "high": said}
    return directed


def rated_book(artifact: Artifact, frame: pd.DataFrame, *, as_of: dt.date) -> pd.DataFrame:
    """Rate running loans; see :func:`score_book`."""
    rating, rows = rating_of(artifact), frame.sort_values(ID, kind="stable").reset_index(drop=True)
    stated = artifact.predict(rows)["default_probability"].to_numpy()
    coming = rating.next_year(
        stated, *(rows[c].to_numpy(float) for c in ("age_months", "remaining_months", "days_past_due"))
    )
    gone = rows["in_default"].to_numpy(bool)
    p, lgd = np.where(gone, 1.0, coming), rating.loss_given_default(rows)
    kept = ["customer_id", "applied_on", "granted_at", "age_months", "remaining_months", "balance", "days_past_due"]
    book = pd.DataFrame({ID: rows[ID], "as_of": pd.Timestamp(as_of).as_unit("us"), **{c: rows[c] for c in kept}})
    return book.assign(
        in_default=gone, application_probability=stated, default_probability=p, grade=rating.scale.assign(p),
        loss_given_default=lgd, expected_loss=expected_loss(p, lgd, rows["balance"].to_numpy(float)).round(2),
    )  # fmt: skip


def score_book(
    model_folder: Path, frame: pd.DataFrame, *, as_of: dt.date, model_digest: str | None = None, seed: int = 7
) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Rate running loans for the next window, and add up the book's expected loss.

    Parameters
    ----------
    frame : DataFrame
        :func:`afraz.features.credit_scorable.running_loans`.

    Returns
    -------
    book : DataFrame
        By loan: ``application_probability`` (as the model says of the application), ``default_probability`` (of the
        next window; 1 for loans in default), ``grade``, ``balance``, ``loss_given_default``, ``expected_loss``.
    manifest : dict
        ``portfolio``: expected loss of performing loans with its interval and what that covers; of those in default.
    """
    artifact = load_artifact(model_folder, model_digest)
    rating, rows = rating_of(artifact), frame.sort_values(ID, kind="stable").reset_index(drop=True)
    book = rated_book(artifact, rows, as_of=as_of)
    gone = book["in_default"].to_numpy(bool)
    alive = book[~gone]
    performing: dict[str, Any] = {"expected_loss": 0.0, "low": 0.0, "high": 0.0, "exposure": 0.0, "loans": len(alive)}
    if alive["balance"].sum() > 0:
        performing = portfolio_loss(
            alive["default_probability"], alive["loss_given_default"], alive["balance"], alive["customer_id"],
            n=DRAWS, seed=seed, level_draws=rating.levels or None,
            lgd_draws=None if rating.losses is None else rating.losses.draws,
        )  # fmt: skip
    in_default = {"loans": int(gone.sum()), "expected_loss": float(book.loc[gone, "expected_loss"].sum())}
    manifest = {
        "model": artifact.spec["model"], "model_digest": model_digest, "as_of": as_of.isoformat(),
        "input_digest": frame_digest(rows), "rows": len(book), "columns": list(book.columns),
        "portfolio": {"performing": performing, "in_default": in_default},
    }  # fmt: skip
    return book, manifest
