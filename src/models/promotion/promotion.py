"""Whom an offer changes: one call from customers with and without it to a calibrated model of uplift.

The response is learned by every learner; what the customer brings and whether the customer leaves are learned from the
same customers, with the ranking by uplift as their rival, since money and leaving are seen through more noise. Where
response ranking is as good as any learner, the uplift is told as one share of the response that it expects.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ...errors import DataError
from .. import metrics, over_time, splits
from ..artifact import Artifact
from ..encoding import FoldEncoder
from ..flat_table import FlatTable, need, read_flat
from ..learning import calibrated_output, scored_sample, split
from .choice import BUDGETS, ONE_RULE, RIVAL, Choice, Scale, choose, scale
from .cross_fitting import CrossFitted, Experiment, cross_fit
from .curves import bootstrap_uplift, calibration_by_decile, gains_table
from .inputs import Inputs
from .learners import Uplift, surrogate
from .offered import HEAD, Offered, response_with_offer
from .one_rule import in_words
from .policy import check_propensity, doubly_robust, first_share, gains
from .settings import PromotionSettings
from .trial import Trial, assess_trial

Array = NDArray[np.float64]
Positions = NDArray[np.int64]
SAMPLE_ROWS = 500
WHY = "why"
PROPORTIONAL = "proportional"
OFFERED = "response_offer"


@dataclass(frozen=True)
class PromotionResult:
    """A fitted model with its evidence; ``predictions`` are those of the test part."""

    model: Artifact
    metrics: dict[str, Any]
    predictions: pd.DataFrame
    curves: dict[str, pd.DataFrame]
    tables: dict[str, pd.DataFrame]
    sample: pd.DataFrame

    def summary(self) -> pd.DataFrame:
        """Measures on the test part: one row each, ``value, low, high``."""
        return pd.DataFrame(metrics.with_intervals(self.metrics["test"])).T


@dataclass(frozen=True)
class _Effect:
    """The champion for one outcome, its held-out score, and the line that turns the score into an uplift."""

    name: str
    uplift: Uplift
    choice: Choice
    crossed: CrossFitted
    score: Array
    line: Scale


def fit_promotion(table: pd.DataFrame, settings: PromotionSettings | None = None) -> PromotionResult:
    """Ask whether it was a trial, fit the learners, choose, calibrate and test.

    Parameters
    ----------
    table : DataFrame
        One row per customer and assignment. Every column that the settings don't name is a feature.
    settings : PromotionSettings

    Returns
    -------
    PromotionResult
        ``metrics["choice"]["verdict"]`` says in words whether these data support uplift targeting.

    Raises
    ------
    DataError
        If there is no control group or nobody was treated, or too few responded.
    """
    settings = settings or PromotionSettings()
    flat, treated, counts, settings = _read(table, settings)
    train, test, said = split(flat, settings, settings.outcome_days or 30)
    trial, propensity = _assessed(flat, treated, train, settings)
    fold, encoder = _folds(flat, treated, train, settings)
    response = flat.labels["response"]
    experiment = Experiment(Inputs.of(encoder.matrix(), encoder.names), response[train], treated[train], propensity,
                            _codes(flat.groups[train]), fold, True)  # fmt: skip
    if min(response[train][treated[train] == arm].sum() for arm in (0.0, 1.0)) < settings.min_events:
        raise DataError(settings.too_few(int(response[train].sum()), len(train)))
    first, offered = _fit_response(experiment, settings)
    found = [first]
    for name, column, sign in (("value", settings.value, 1.0), ("closing", settings.closing, -1.0)):
        if column is not None and column in flat.extras:
            outcome = pd.to_numeric(flat.extras[column]).to_numpy(dtype=float, na_value=np.nan)[train]
            other = _fit_other(name, outcome, sign, experiment, found[0], settings)
            found += [] if other is None else [other]
    why, fidelity = surrogate(experiment.inputs, found[0].uplift.predict(experiment.inputs.matrix), settings.seed)
    model = _artifact(encoder, experiment, found, offered, why)
    if flat.as_of is not None:
        model = model.learned_until(flat.as_of.iloc[train].max(), settings.outcome_days or 30)
    predictions = _predict(model, flat, treated, test, settings)
    tested, curves, tables = _tested(model, found[0], flat, treated, test, settings)
    measures = {
        "population": {**counts, "train_rows": len(train), "test_rows": len(test), **said},
        "notes": flat.notes,
        "trial": _reported(trial),
        "choice": _ruled(found[0], encoder),
        "outcomes": {effect.name: _evidence(effect) for effect in found[1:]},
        "explanation_fidelity": fidelity,
        "test": tested,
    }
    tables |= {"learners": found[0].choice.table, "balance": trial.balance,
               **{f"learners_{effect.name}": effect.choice.table for effect in found[1:]}}  # fmt: skip
    measures["drift"], moved = _drift(model, flat, train, test, settings)
    tables |= moved
    sample = scored_sample(flat, test[:SAMPLE_ROWS], predictions.head(SAMPLE_ROWS), model)
    return PromotionResult(model, metrics.finite(measures), predictions, curves, tables, sample)


def _read(
    table: pd.DataFrame, settings: PromotionSettings
) -> tuple[FlatTable, Array, dict[str, int], PromotionSettings]:
    """Keep the rows that can be learnt from, count the others, and find the two arms."""
    absent = {name: None for name in ("id", "as_of", "propensity", "block", "value", "closing")
              if getattr(settings, name) not in table.columns and name not in settings.model_fields_set}  # fmt: skip
    settings, table = settings.model_copy(update=absent), table.reset_index(drop=True)
    for name in ("propensity", "block", "value", "closing"):
        if (column := getattr(settings, name)) is not None:
            need(table, column, name)
    label, arm = need(table, settings.label, "label"), need(table, settings.treatment, "treatment").astype("str")
    if settings.offer is not None and settings.offer not in set(arm):
        raise DataError(f"nobody got the offer {settings.offer!r}: the arms are {', '.join(sorted(set(arm.dropna())))}")
    spelled, known = arm.str.strip().str.lower(), arm.notna()
    plain = spelled[known].isin(["0", "1", "0.0", "1.0", "true", "false"]).all()
    control = spelled.isin(["0", "0.0", "false", "no"] if plain else [settings.control.lower()])
    compared = control | (arm == settings.offer if settings.offer is not None else known)
    kept = table[label.notna() & compared]
    counts = {"rows": len(table), "window_not_over": int(label.isna().sum()),
              "arm_missing": int((label.notna() & ~known).sum()),
              "other_arms": int((label.notna() & known & ~compared).sum()), "used": len(kept)}  # fmt: skip
    if not len(kept):
        raise DataError(f"no row is left to learn from: of {len(table):,} rows, {counts['window_not_over']:,} have no "
                        "finished window")  # fmt: skip
    if not control.any() or control[kept.index].all():
        raise DataError(
            f"{'nobody' if not control.any() else 'everybody'} of {len(kept):,} customers is in the control group "
            f"({settings.treatment} = {settings.control!r}): an effect is only seen beside customers without the offer"
        )
    notes, stated = list[str](), settings.propensity
    if settings.propensity is not None:
        _check_stated(kept, settings.propensity)
        block = table[settings.block] if settings.block is not None else pd.Series(0, table.index)
        if spelled.groupby(block).nunique().max() > 2:
            notes = [f"{settings.propensity}: left out, there are more than two arms, and it is no share of two"]
            settings = settings.model_copy(update={"propensity": None})
    aside = [c for c in (settings.treatment, stated, settings.block, settings.value, settings.closing,
                         *settings.extras, settings.id) if c is not None]  # fmt: skip
    kept = kept.assign(_treated=(~control[kept.index]).astype(float))
    flat = read_flat(kept, {"response": settings.label}, id=None, as_of=settings.as_of, drop=settings.drop,
                     extras=[*dict.fromkeys(aside), "_treated"], event=settings.event,
                     group=settings.id)  # fmt: skip
    flat = replace(flat, notes=[*flat.notes, *notes], position=kept.index.to_numpy()[flat.position])
    return flat, flat.extras["_treated"].to_numpy(dtype=float), counts, settings


def _check_stated(kept: pd.DataFrame, name: str) -> None:
    """Refuse propensities that are missing, 0 or 1, before anything is learned."""
    stated = pd.to_numeric(kept[name]).to_numpy(dtype=float, na_value=np.nan)
    if absent := int(np.isnan(stated).sum()):
        raise DataError(f"{name} is missing in {absent:,} of {len(kept):,} rows: state it for all, or for none")
    check_propensity(stated)


def _assessed(flat: FlatTable, treated: Array, rows: Positions, settings: PromotionSettings) -> tuple[Trial, Array]:
    """Ask on a sample whether it was a trial; give the propensities of all rows: stated, of the block, or estimated."""
    stated = None if settings.propensity is None else flat.extras[settings.propensity].to_numpy(dtype=float)[rows]
    if stated is not None:  # of the arm they got; from here on, of the offer
        stated = np.where(treated[rows] == 1, stated, 1 - stated)
    some = np.arange(len(rows))
    if len(rows) > settings.trial_rows:
        some = np.sort(np.random.default_rng(settings.seed).choice(len(rows), settings.trial_rows, replace=False))

    def assess(part: Positions) -> Trial:
        block = None if settings.block is None else flat.extras[settings.block].iloc[rows[part]].reset_index(drop=True)
        features = flat.features.iloc[rows[part]].reset_index(drop=True)
        given = None if stated is None else stated[part]
        return assess_trial(features, treated[rows[part]], propensity=given, block=block, seed=settings.seed)

    trial = assess(some)
    if len(some) == len(rows):
        return trial, trial.propensity
    if trial.randomised and stated is not None:
        return trial, stated
    if trial.randomised:
        block = np.zeros(len(rows)) if settings.block is None else flat.extras[settings.block].iloc[rows].to_numpy()
        return trial, pd.Series(treated[rows]).groupby(block).transform("mean").to_numpy(dtype=float)
    whole = assess(np.arange(len(rows)))  # no draw: propensities are estimated, and everybody needs one
    return whole, whole.propensity


def _reported(trial: Trial) -> dict[str, Any]:
    said = {name: getattr(trial, name) for name in ("randomised", "why", "estimator", "max_smd", "max_smd_by_chance")}
    return {
        **said,
        "treatment_auc": trial.treatment_auc,
        "outside_overlap": trial.outside_overlap,
        "notes": trial.notes,
    }


def _codes(groups: Positions) -> Positions:
    return np.unique(groups, return_inverse=True)[1].ravel().astype(np.int64)


def _folds(
    flat: FlatTable, treated: Array, rows: Positions, settings: PromotionSettings
) -> tuple[Positions, FoldEncoder]:
    """Deal customers into folds, events and treatments evenly, and encode."""
    label, groups = flat.labels["response"][rows], flat.groups[rows]
    fold = splits.assign_folds(label + 2 * treated[rows], settings.folds, settings.seed, groups)
    features = flat.features.iloc[rows]
    return fold, FoldEncoder(features, label, fold, len(rows) / len(np.unique(groups)))


def _fit_response(data: Experiment, settings: PromotionSettings) -> tuple[_Effect, Offered]:
    """Choose the champion; where it is response ranking, an uplift is a share of the response with the offer."""
    crossed = cross_fit(data, list(settings.learners), parameters=settings.lightgbm, max_rounds=settings.max_rounds,
                        seed=settings.seed, threads=settings.threads)  # fmt: skip
    choice = choose(crossed, data.groups, n=settings.bootstrap, seed=settings.seed)
    offered = response_with_offer(data, crossed)
    if choice.name == RIVAL:
        line = scale(offered.margin, crossed.effect, data.groups, curve=offered.curve)
        return _Effect("response", offered.ranking(), choice, crossed, offered.margin, line), offered
    score = crossed.scores[choice.name]
    line = scale(score, crossed.effect, data.groups, trusted=choice.name == PROPORTIONAL, one_sign=True)
    return _Effect("response", crossed.fitted[choice.name], choice, crossed, score, line), offered


def _fit_other(
    name: str, outcome: Array, sign: float, data: Experiment, response: _Effect, settings: PromotionSettings
) -> _Effect | None:
    """Learn another outcome.

    The rival of what a customer brings is the order of the response's champion; that of leaving, where less is better,
    is an effect in proportion to the expected leaving.
    """
    known = ~np.isnan(outcome)
    if not known.any() or outcome[known].min() == outcome[known].max():
        return None
    binary = bool(np.isin(outcome[known], (0.0, 1.0)).all())
    part = Experiment(data.inputs.part(known), outcome[known], data.treated[known], data.propensity[known],
                      _codes(data.groups[known]), data.fold[known], binary)  # fmt: skip
    crossed = cross_fit(part, list(settings.second_learners), parameters=settings.lightgbm,
                        max_rounds=settings.max_rounds, seed=settings.seed, threads=settings.threads)  # fmt: skip
    if sign > 0:
        crossed.scores[RIVAL] = response.score[known]
    rival = RIVAL if sign > 0 else PROPORTIONAL
    choice = choose(crossed, part.groups, n=settings.bootstrap, seed=settings.seed, what=name, rival=rival, sign=sign)
    uplift = crossed.fitted.get(choice.name) or _again(response.uplift)
    score = crossed.scores[choice.name]
    line = scale(score, crossed.effect, part.groups, trusted=choice.name == PROPORTIONAL, one_sign=binary)
    return _Effect(name, uplift, choice, crossed, score, line)


def _again(uplift: Uplift) -> Uplift:
    """Take the score of a learner once more under another name."""
    spec = [*uplift.spec[:-1], {**uplift.spec[-1], "name": "base"}]
    same = {"name": "uplift", "kind": "blend", "parts": ["base"], "weights": [1.0]}
    boosters = {("base" if name == "uplift" else name): booster for name, booster in uplift.boosters.items()}
    return Uplift(uplift.name, [*spec, same], boosters)


def _artifact(
    encoder: FoldEncoder, experiment: Experiment, found: list[_Effect], offered: Offered, why: Any
) -> Artifact:
    """Put together: explanation, an uplift per outcome, and how likely those with the offer respond (costs follow)."""
    heads: list[dict[str, Any]] = [{"name": WHY, "kind": "lightgbm", "file": f"{WHY}.txt"}]
    boosters, outputs = {WHY: why}, []
    for effect in found:
        heads += effect.uplift.heads(effect.name)
        boosters |= effect.uplift.named_boosters(effect.name)
        at, uplift = effect.line.knots()
        outputs.append({"name": f"{effect.name}_uplift", "head": f"{effect.name}_uplift", "link": "identity",
                        "knots_margin": at, "knots_log_odds": uplift})  # fmt: skip
    heads.append(offered.head)
    boosters |= offered.boosters
    outputs.append(calibrated_output(OFFERED, HEAD, offered.curve))
    features, x = encoder.features(), experiment.inputs.matrix
    for j, feature in enumerate(features):
        seen = x[~np.isnan(x[:, j]), j]
        feature["reference"] = float(np.median(seen)) if len(seen) else None
    spec = {"format": 1, "model": "promotion", "features": features, "heads": heads, "outputs": outputs,
            "targeting": found[0].choice.targeting, "learner": found[0].choice.name}  # fmt: skip
    return Artifact(spec, boosters)


def _evidence(effect: _Effect) -> dict[str, Any]:
    table = effect.choice.table
    return {
        "chosen": effect.choice.name,
        "verdict": effect.choice.verdict,
        "mean_effect": float(effect.crossed.effect.mean()),
        "slope": {"value": effect.line.slope, "low": effect.line.slope_low, "high": effect.line.slope_high},
        "rounds": effect.crossed.rounds,
        "learners": {row["learner"]: {k: float(v) for k, v in row.items() if k != "learner"}
                     for row in table.to_dict("records")},
    }  # fmt: skip


def _ruled(effect: _Effect, encoder: FoldEncoder) -> dict[str, Any]:
    """The evidence with the rule in words, if one was learned."""
    said, fitted = _evidence(effect), effect.crossed.fitted.get(ONE_RULE)
    if fitted is None:
        return said
    rule = in_words(fitted.boosters["uplift"], encoder.features())
    return said | {"rule": rule, "verdict": f"{said['verdict']} (the rule: {rule})"}


def _predict(
    model: Artifact, flat: FlatTable, treated: Array, rows: Positions, settings: PromotionSettings
) -> pd.DataFrame:
    features = flat.features.iloc[rows]
    frame = pd.DataFrame({"row": flat.position[rows]}, index=features.index)
    for name in (settings.id, settings.block):
        if name is not None:
            frame[name] = flat.extras[name].iloc[rows]
    if flat.as_of is not None:
        frame[settings.as_of] = flat.as_of.iloc[rows]
    frame = frame.assign(treated=treated[rows].astype(int), label=flat.labels["response"][rows].astype(int))
    return pd.concat([frame, model.predict(features)], axis=1).reset_index(drop=True)


def _drift(
    model: Artifact, flat: FlatTable, train: Positions, test: Positions, settings: PromotionSettings
) -> tuple[dict[str, Any], dict[str, pd.DataFrame]]:
    """Compare customers of later campaigns with those learned from: what is known of them, and their score."""
    names = [feature["name"] for feature in model.spec["features"]]
    before, after = (
        (part := flat.features.iloc[rows]).assign(response_uplift=model.predict(part)["response_uplift"])
        for rows in (over_time.sample_of(train, settings.seed), test)
    )
    return over_time.drift(before, after, names, "response_uplift")


def _test_propensity(flat: FlatTable, treated: Array, rows: Positions, settings: PromotionSettings) -> Array:
    """Probability of the offer in the test part: as stated, else the share of each block."""
    one_arm = treated.min() == treated.max()
    if settings.propensity is not None and not one_arm:
        got = flat.extras[settings.propensity].to_numpy(dtype=float)[rows]
        return np.where(treated == 1, got, 1 - got)
    block = np.zeros(len(rows)) if settings.block is None else flat.extras[settings.block].iloc[rows].to_numpy()
    share = pd.Series(treated).groupby(block, dropna=False).transform("mean").to_numpy()
    if share.min() == 0 or share.max() == 1:
        raise DataError(
            "the test part has no control group or nobody who was treated"
            f"{'' if settings.block is None else f' within a {settings.block}'}: take more test_dates"
        )
    return np.asarray(share)


def _tested(
    model: Artifact, response: _Effect, flat: FlatTable, treated: Array, rows: Positions, settings: PromotionSettings
) -> tuple[dict[str, Any], dict[str, pd.DataFrame], dict[str, pd.DataFrame]]:
    """Measure on customers that nothing was learned from, beside response ranking and a random list."""
    features, y, t = flat.features.iloc[rows], flat.labels["response"][rows], treated[rows]
    groups, x = _codes(flat.groups[rows]), model.matrix(features)
    e = _test_propensity(flat, t, rows, settings)
    got = np.where(t == 1, e, 1 - e)
    scores = {"chosen": response.uplift.predict(x), RIVAL: response.crossed.fitted[RIVAL].predict(x)}
    measured = bootstrap_uplift(
        y, t, scores, groups, weight=1 / got, rival=RIVAL, n=settings.bootstrap, seed=settings.seed
    )
    uplift = model.predict(features)["response_uplift"].to_numpy()
    level = np.where(t == 1, y[t == 1].mean(), y[t == 0].mean())
    effect = doubly_robust(y, t, e, np.full(len(y), level[t == 0].mean()), np.full(len(y), level[t == 1].mean()))
    ours = measured[measured["score"] == "chosen"].set_index("measure").to_dict("index")
    ends = ("value", "low", "high")
    found: dict[str, Any] = {str(name): {end: float(row[end]) for end in ends} for name, row in ours.items()}
    lead = {"value": "over_rival", "low": "over_rival_low", "high": "over_rival_high"}
    found["uplift_at_30pct_over_response"] = {e: float(ours["uplift_at_30pct"][name]) for e, name in lead.items()}
    policies = {f"gain_at_{share:.0%}".replace("%", "pct"): first_share(scores["chosen"], share) for share in BUDGETS}
    for name, each in gains(effect, policies, groups, n=settings.bootstrap, seed=settings.seed).items():
        found[name] = {"value": each.value, "low": each.low, "high": each.high}
    found |= {"rows": len(rows), "customers": int(groups.max()) + 1, "treated": int(t.sum())}
    tables = {"test_measures": measured, "calibration_by_decile": calibration_by_decile(effect, uplift, groups)}
    return found, {"gains": gains_table(y, t, scores, 1 / got)}, tables
