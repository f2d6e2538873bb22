"""From a fitted credit model to one that can be used: rating, validation pack, and what is known of the declined."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from .. import baseline, fairness, metrics, over_time
from ..artifact import Artifact
from . import reject_inference, validation
from .cutoff import Economics
from .fit import OUTPUT, CreditResult, rated, said_of
from .grades import GradeScale, make_scale
from .rating import Lending, Rating, estimate_arrears, estimate_levels, estimate_losses, estimate_terms
from .settings import CreditSettings

Array = NDArray[np.float64]


@dataclass(frozen=True)
class History:
    """What became of granted loans, for losses and their timing; a ready table has none.

    Attributes
    ----------
    defaults, recovered : DataFrame
        See :func:`afraz.models.credit.rating.estimate_losses`.
    arrears : DataFrame
        See :func:`afraz.models.credit.rating.estimate_arrears`.
    window_months : int
        Of the definition of default.
    """

    defaults: pd.DataFrame
    recovered: pd.DataFrame
    arrears: pd.DataFrame
    window_months: int


@dataclass(frozen=True)
class Development:
    """The model with its rating, measures and tables; ``applicants`` is what it says of every application."""

    model: Artifact
    rating: Rating
    measures: dict[str, Any]
    tables: dict[str, pd.DataFrame]
    applicants: pd.DataFrame

    def show(self, name: str) -> pd.DataFrame:
        """Give a table; an empty one where it does not apply."""
        return self.tables.get(name, pd.DataFrame())

    def overview(self) -> pd.DataFrame:
        """Put ranking and calibration of both parts side by side: one row per measure."""
        flat = {
            part: {
                "roc_auc (DeLong)": found["roc_auc_delong"]["value"],
                "roc_auc low": found["roc_auc_delong"]["low"],
                "roc_auc high": found["roc_auc_delong"]["high"],
                **{name: found[name] for name in ("gini", "ks", "h_measure", "h_measure_prior_adjusted")},
                "hosmer_lemeshow p": found["hosmer_lemeshow"]["p_value"],
                "rows": found["rows"],
                "bad": found["bad"],
            }
            for part, found in self.measures.items()
            if part in ("test", "cross_fitted")
        }
        return pd.DataFrame(flat)

    def verdicts(self) -> pd.Series:
        """Line the other measures up: cut-off, losses, drift, migration, fairness."""
        flat: dict[str, Any] = {}
        for name in ("cutoff", "loss_given_default", "concentration", "drift", "regraded", "fairness"):
            for key, value in self.measures.get(name, {}).items():
                inner = value if isinstance(value, Mapping) else {"": value}
                flat |= {f"{name}.{key}.{k}".rstrip("."): v for k, v in inner.items() if not isinstance(v, str)}
        return pd.Series(flat, name="value", dtype=object)

    def measured(
        self, result: CreditResult, explanation: Mapping[str, Any] | None = None, ready_table: bool = True
    ) -> dict[str, Any]:
        """Spell all measures for JSON: those of the fit, joined by those of the validation."""
        out = {**result.metrics, **metrics.finite(self.measures)}
        for name, own in (("test", result.metrics["test"]), ("cross_fitted", out.pop("cross_validated"))):
            out[name] = {**out[name], **own}  # both know the Gini; the model's own has an interval
        return {**out, "explanation": explanation, "ready_table": ready_table}


def develop(
    result: CreditResult, table: pd.DataFrame, settings: CreditSettings, lending: Mapping[str, Any],
    history: History | None, as_of: str, seed: int = 7,
) -> Development:  # fmt: skip
    """Rate a fitted model and validate it.

    Parameters
    ----------
    table : DataFrame
        All applications, with and without an outcome, as they were given to ``fit_credit``.
    lending : mapping
        Settings of :class:`afraz.models.credit.rating.Lending`.
    history : History, optional
        None: the stated loss given default is used.
    as_of : str
        ISO date at which the data end.
    seed : int

    Raises
    ------
    ParamsError
        For an unknown lending setting, or a cut-off that approves nobody.
    """
    terms = Lending.of(lending)
    applicants = table.drop(columns=[c for c in ("label", OUTPUT, "points") if c in table]).join(said_of(result, table))
    scale = make_scale(applicants[OUTPUT].to_numpy(), n_grades=settings.grades)
    losses, note = None, "no history of recoveries: the stated one is used"
    if history is not None:
        losses, note = estimate_losses(history.defaults, history.recovered, terms, date.fromisoformat(as_of), seed)
    average = terms.loss_given_default if losses is None else losses.overall.floored
    economics = Economics(terms.margin, average, terms.cost_per_application)
    pack = validation.validate(result, scale)
    measures, tables = dict(pack.measures), dict(pack.tables)
    amount = "amount" if "amount" in applicants and (applicants["amount"] > 0).all() else None
    measures["cutoff"], decided = validation.decide(applicants, economics, terms.cutoff, amount)
    tables |= decided
    rating = Rating(scale, economics, measures["cutoff"]["cutoff"], losses)
    if history is not None:
        known = applicants[applicants["label"].notna()]
        levels = estimate_levels(
            known["label"].to_numpy(), known[OUTPUT].to_numpy(), known[settings.customer or ""].to_numpy(),
            known["cohort"].to_numpy(object), seed,
        )  # fmt: skip
        rating = replace(
            rating, terms=estimate_terms(table, date.fromisoformat(as_of), history.window_months),
            arrears=estimate_arrears(history.arrears), levels=levels,
        )  # fmt: skip
    measures["loss_given_default"] = {"used": average, "note": note}
    if losses is not None:
        tables["loss_given_default"] = losses.table()
    tables["grade_losses"] = _grade_losses(applicants, rating, amount)
    _populations(result, applicants, scale, settings, measures, tables)
    measures["baseline"], by_part = _held(result, settings, seed)
    if len(by_part):
        tables["parts"] = by_part
    _groups(applicants, result, rating.cutoff, settings, measures, tables, seed)
    declined = declined_applicants(applicants, settings, seed)
    if declined is not None:
        tables["declined"] = declined
        measures["all_applicants"] = _by_method(declined)
    said = applicants[[c for c in (result.id, OUTPUT, "points", "label") if c in applicants]]
    said = said.assign(grade=scale.assign(applicants[OUTPUT].to_numpy()))
    signs = {name: sign for name, sign in settings.monotone.items() if sign and name in result.inputs}
    model = rated(result.model, {**rating.to_dict(), "untold": settings.protected, "signs": signs})
    if "as_of" in result.cross_fitted:
        last = result.cross_fitted["as_of"].max()
        until = last + pd.DateOffset(months=0 if history is None else history.window_months)
        model = model.learned_until(until if settings.duration is None else max(until, pd.Timestamp(as_of)))
    return Development(model, rating, measures, tables, said)


def _grade_losses(applicants: pd.DataFrame, rating: Rating, amount: str | None) -> pd.DataFrame:
    """Give the expected loss of the applications by grade, in all and per unit lent."""
    money = np.ones(len(applicants)) if amount is None else applicants[amount].to_numpy(float)
    lgd = rating.loss_given_default(_collateral(applicants))
    loss = applicants[OUTPUT].to_numpy() * lgd * money
    frame = pd.DataFrame({"grade": rating.scale.assign(applicants[OUTPUT].to_numpy()), "rows": 1, "amount": money})
    frame = frame.assign(default_probability=applicants[OUTPUT].to_numpy(), loss_given_default=lgd, expected_loss=loss)
    by = frame.groupby("grade")
    out = by[["rows", "amount", "expected_loss"]].sum().join(by[["default_probability", "loss_given_default"]].mean())
    return out.assign(expected_loss_share=out["expected_loss"] / out["amount"]).reset_index()


def _collateral(frame: pd.DataFrame) -> pd.DataFrame:
    if "has_collateral" in frame or "collateral_share" not in frame:
        return frame
    return frame.assign(has_collateral=frame["collateral_share"] > 0)


def _populations(
    result: CreditResult, applicants: pd.DataFrame, scale: GradeScale, settings: CreditSettings,
    measures: dict[str, Any], tables: dict[str, pd.DataFrame],
) -> None:  # fmt: skip
    """Compare the applications learned from with those without a known outcome yet; follow customers who come again."""
    inputs = [feature["name"] for feature in result.model.spec["features"]]
    dated = settings.as_of in applicants.columns if settings.as_of else False
    known = applicants["label"].notna()
    if dated:
        late = ~known & (applicants[settings.as_of] > applicants.loc[known, settings.as_of].max())
        if late.any():
            segment = "purpose" if "purpose" in applicants else None
            measures["drift"], drifted = over_time.drift(
                applicants[applicants[settings.as_of] <= applicants.loc[known, settings.as_of].max()],
                applicants[late], inputs, OUTPUT, segment,
            )  # fmt: skip
            tables |= drifted
        customer = settings.customer
        if customer in applicants.columns and applicants[customer].duplicated().any():
            measures["regraded"], tables["migration"] = validation.regraded(
                applicants.assign(as_of=applicants[settings.as_of]), scale, str(customer)
            )


def _held(result: CreditResult, settings: CreditSettings, seed: int) -> tuple[dict[str, Any], pd.DataFrame]:
    """Hold the cross-fitted scores of all outcomes against the best single input, and look at each quarter and purpose.

    The test alone has too few bad loans to be parted. The single input is chosen on the very rows that it is measured
    on, in its favour.
    """
    rows, inputs = result.cross_fitted, result.inputs
    label, score, groups = rows["label"].to_numpy(float), rows[OUTPUT].to_numpy(), rows["group"].to_numpy()
    names = [feature["name"] for feature in result.model.spec["features"]]
    x = result.model.matrix(inputs)
    rival = baseline.best_single_feature(x, label > 0.5, names)
    lead = baseline.lead_over(rival, x, label, score, groups, n=settings.bootstrap, seed=seed)
    parts: dict[str, pd.Series] = {}
    if "as_of" in rows:
        parts["quarter"] = rows["as_of"].dt.to_period("Q").astype(str)
    if "purpose" in inputs:
        parts["segment"] = inputs["purpose"]
    return lead, over_time.quality_by_part(label, score, groups, parts, n=settings.bootstrap, seed=seed)


def _groups(
    applicants: pd.DataFrame, result: CreditResult, cutoff: float, settings: CreditSettings,
    measures: dict[str, Any], tables: dict[str, pd.DataFrame], seed: int,
) -> None:  # fmt: skip
    """Hold groups of protected attributes against one another; ages are put into bands."""
    inputs = [feature["name"] for feature in result.model.spec["features"]]
    protected: dict[str, NDArray[np.object_]] = {}
    for name in settings.protected:
        if name in applicants.columns:
            values, called = _grouped(applicants[name])
            protected[called] = values
    found, shown = validation.fair(applicants, cutoff, protected, applicants[inputs], seed)
    measures["fairness"] = {**found, "note": fairness.NOTE}
    tables |= shown
    parts = [t.assign(attribute=n.removeprefix("fairness_")) for n, t in shown.items() if n.startswith("fairness_")]
    if parts:
        tables["fairness"] = pd.concat(parts, ignore_index=True)


def _grouped(column: pd.Series) -> tuple[NDArray[np.object_], str]:
    """Groups of a protected attribute: ages in bands, other numbers of many values in quarters, texts as they are."""
    name = str(column.name)
    if not pd.api.types.is_numeric_dtype(column) or column.nunique() <= 10:
        return column.astype(object).where(column.notna()).map(str, na_action="ignore").to_numpy(object), name
    if "age" in name.lower():
        return np.asarray(fairness.age_bands(column), object), "age_band"
    quarters = pd.qcut(column, 4, duplicates="drop").astype(object)
    return quarters.map(str, na_action="ignore").to_numpy(object), name


def declined_applicants(applicants: pd.DataFrame, settings: CreditSettings, seed: int) -> pd.DataFrame | None:
    """Estimate the default rate of all who applied in the months whose outcomes are known; None without declines.

    Parameters
    ----------
    applicants : DataFrame
        ``granted, passed, at_random, label, default_probability, cohort``, the customer and the date.
    """
    needed = {"granted", "passed", "at_random", "cohort", settings.as_of, settings.customer}
    if not needed <= set(applicants.columns):
        return None
    known = applicants["label"].notna()
    period = applicants[applicants[settings.as_of] <= applicants.loc[known, settings.as_of].max()]
    period = period[period["granted"] | (period["decision"] == "declined")] if "decision" in period else period
    if period["granted"].all():
        return None
    return reject_inference.compare(period.assign(group=period[settings.customer]), seed=seed)


def _by_method(declined: pd.DataFrame) -> dict[str, Any]:
    rows = declined.set_index("method")[["estimate", "low", "high"]]
    return {str(name).replace(" ", "_"): row.to_dict() for name, row in rows.iterrows()}
