"""Hold probabilities against the true ones, where a simulation knows them."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from . import calibration, metrics
from .promotion.policy import first_share
from .promotion.worth import net_worth
from .support.gamma_poisson import poisson_deviance

Array = NDArray[np.float64]


def against_truth(truth: Array, stated: Array, top: float = 0.1) -> dict[str, float]:
    """Measure stated probabilities against true ones.

    The true probability is a *soft label*: a customer counts as a leaver with weight p and as a stayer with weight
    1 − p, so that no luck of one draw is in the figures. The latent oracle ranks by the truth itself; nobody who only
    sees data can do better.

    Parameters
    ----------
    truth, stated : ndarray, shape (n,)
        Probabilities.
    top : float
        Share of customers that counts as the top of the list.

    Returns
    -------
    dict
        ``gini, latent_oracle_gini, share_of_latent, calibration_slope, calibration_intercept`` (of the true log-odds
        on the stated ones), ``observed_over_expected`` overall and ``observed_over_expected_top_decile``, ``rows``.

    Examples
    --------
    >>> p = np.linspace(0.01, 0.5, 50)
    >>> perfect = against_truth(p, p)
    >>> round(perfect["share_of_latent"], 6), round(perfect["calibration_slope"], 6)
    (1.0, 1.0)
    >>> round(against_truth(p, p / 2)["observed_over_expected"], 6)
    2.0
    """
    gini = metrics.measure(truth, stated, ("gini",))["gini"]
    latent = metrics.measure(truth, truth, ("gini",))["gini"]
    intercept, slope = calibration.recalibrate(truth, calibration.logit(stated))
    first = np.argsort(-stated, kind="stable")[: max(1, round(len(stated) * top))]
    return {
        "gini": gini,
        "latent_oracle_gini": latent,
        "share_of_latent": gini / latent,
        "calibration_slope": slope,
        "calibration_intercept": intercept,
        "observed_over_expected": float(truth.sum() / stated.sum()),
        "observed_over_expected_top_decile": float(truth[first].sum() / stated[first].sum()),
        "rows": len(truth),
    }


def churn_against_truth(
    scores: pd.DataFrame, truth: pd.DataFrame, as_of: str, top: float = 0.1
) -> dict[str, dict[str, float]]:
    """Hold every probability of leaving against the truth of the same customers at the same date.

    Parameters
    ----------
    scores : DataFrame
        ``customer_id`` and columns ``leave_<days>``.
    truth : DataFrame
        ``customer_id, as_of`` and the true ``leave_<days>``.

    Returns
    -------
    dict
        Output → :func:`against_truth`.
    """
    now = truth[pd.to_datetime(truth["as_of"]) == pd.Timestamp(as_of)]
    names = [c for c in scores.columns if c.startswith("leave_") and c in truth.columns]
    both = scores.merge(now[["customer_id", *names]], on="customer_id", suffixes=("", "_true"))
    return {name: against_truth(both[f"{name}_true"].to_numpy(), both[name].to_numpy(), top) for name in names}


def credit_against_truth(scores: pd.DataFrame, truth: pd.DataFrame, top: float = 0.1) -> dict[str, dict[str, float]]:
    """Hold the default probability of applications against the truth of the same applications.

    Parameters
    ----------
    scores : DataFrame
        ``loan_id, default_probability, decision``.
    truth : DataFrame
        ``loan_id`` and the true ``default_probability``, had the loan been granted and the customer stayed.

    Returns
    -------
    dict
        ``all`` and ``granted`` → :func:`against_truth`.
    """
    both = scores.merge(truth[["loan_id", "default_probability"]], on="loan_id", suffixes=("", "_true"))
    parts = {"all": both, "granted": both[both["decision"] == "granted"]}
    return {
        name: against_truth(part["default_probability_true"].to_numpy(), part["default_probability"].to_numpy(), top)
        for name, part in parts.items()
        if len(part)
    }


def book_against_truth(book: pd.DataFrame, truth: pd.DataFrame, low: float, high: float) -> dict[str, float]:
    """Hold the expected loss of performing loans against the true one, and see whether the interval covers it.

    Parameters
    ----------
    book : DataFrame
        ``loan_id, balance, default_probability, expected_loss, in_default``.
    truth : DataFrame
        ``loan_id, balance, default_probability, expected_loss`` of the same loans.
    low, high : float
        Interval of the expected loss of performing loans.

    Returns
    -------
    dict
        ``expected_loss, true_expected_loss, expected_loss_low, expected_loss_high, expected_loss_covered`` (1 or 0),
        ``book_share_of_latent`` (Gini), ``book_loans``. Low and high are scaled to the loans that both know.

    Examples
    --------
    >>> book = pd.DataFrame({"loan_id": ["a", "b"], "balance": [100.0, 100.0], "default_probability": [0.1, 0.3],
    ...                      "expected_loss": [5.0, 15.0], "in_default": [False, False]})
    >>> found = book_against_truth(book, book.drop(columns="in_default"), 10, 30)
    >>> found["expected_loss"], found["true_expected_loss"], found["expected_loss_covered"]
    (20.0, 20.0, 1.0)
    """
    alive = book[~book["in_default"]]
    both = alive.merge(truth, on="loan_id", suffixes=("", "_true"))
    scale = both["expected_loss"].sum() / alive["expected_loss"].sum()
    true = float(both["expected_loss_true"].sum())
    gini = metrics.measure(both["default_probability_true"], both["default_probability"], ("gini",))["gini"]
    best = metrics.measure(both["default_probability_true"], both["default_probability_true"], ("gini",))["gini"]
    return {
        "expected_loss": float(both["expected_loss"].sum()),
        "true_expected_loss": true,
        "expected_loss_low": low * scale,
        "expected_loss_high": high * scale,
        "expected_loss_covered": float(low * scale <= true <= high * scale),
        "book_share_of_latent": gini / best,
        "book_loans": float(len(both)),
    }


def declined_against_truth(
    declined: pd.DataFrame, truth: pd.DataFrame, applications: pd.Series
) -> dict[str, dict[str, float]]:
    """Hold each estimate of the default rate of all applicants against the true one.

    Parameters
    ----------
    declined : DataFrame
        ``method, estimate, low, high`` (:func:`afraz.models.credit.reject_inference.compare`).
    truth : DataFrame
        ``loan_id, default_probability``.
    applications : Series
        The ids that the estimates speak of.

    Returns
    -------
    dict
        Method → ``estimate, low, high, covered`` (1 or 0), and ``truth`` → ``rate``.
    """
    rate = float(truth.loc[truth["loan_id"].isin(applications), "default_probability"].mean())
    rows = declined.set_index("method")[["estimate", "low", "high"]].astype(float)
    found = {str(name).replace(" ", "_"): {str(k): float(v) for k, v in row.items()} for name, row in rows.iterrows()}
    for measured in found.values():
        measured["covered"] = float(measured["low"] <= rate <= measured["high"])
    return {**found, "truth": {"rate": rate}}


def value_against_truth(predictions: pd.DataFrame, truth: pd.DataFrame) -> dict[str, float]:
    """Hold forecasts of the coming year's margin against the margin that came; the truth does the same beside it.

    Parameters
    ----------
    predictions : DataFrame
        ``customer_id, as_of, expected_margin_12m, realised``.
    truth : DataFrame
        ``customer_id, as_of, margin_12m``: the true expectation.

    Returns
    -------
    dict
        ``rank_correlation, oracle_rank_correlation`` (Spearman, with the realised margin), ``share_of_oracle``,
        ``customers``.

    Examples
    --------
    >>> said = pd.DataFrame({"customer_id": ["a", "b", "c"], "as_of": "2026-01-01", "expected_margin_12m": [1, 3, 2],
    ...                      "realised": [1.0, 2.0, 3.0]})
    >>> true = pd.DataFrame({"customer_id": ["a", "b", "c"], "as_of": "2026-01-01", "margin_12m": [1.0, 2.0, 3.0]})
    >>> value_against_truth(said, true)["share_of_oracle"]
    0.5
    """
    when = {"as_of": lambda t: pd.to_datetime(t["as_of"])}
    both = predictions.assign(**when).merge(truth.assign(**when), on=["customer_id", "as_of"])
    ours = metrics.rank_correlation(both["expected_margin_12m"], both["realised"])
    best = metrics.rank_correlation(both["margin_12m"], both["realised"])
    return {"rank_correlation": ours, "oracle_rank_correlation": best, "share_of_oracle": ours / best,
            "customers": float(len(both))}  # fmt: skip


def support_against_truth(customers: pd.DataFrame, truth: pd.DataFrame) -> dict[str, float]:
    """Hold the contacts expected of customers in 90 days against the true expectation.

    Parameters
    ----------
    customers : DataFrame
        ``customer_id, as_of, expected_contacts_90, contacts_last_year``.
    truth : DataFrame
        ``customer_id, as_of, contacts_90``: the true expectation.

    Returns
    -------
    dict
        ``rank_correlation`` with the truth (Spearman; ``last_year_rank_correlation``: of last year's number),
        ``explained`` (share of what sets the truth apart from one number for all, in Poisson deviance: 1 is the truth,
        0 that number), ``observed_over_expected``, ``customers``.

    Examples
    --------
    >>> said = pd.DataFrame({"customer_id": ["a", "b", "c"], "as_of": "2026-01-01", "contacts_last_year": [0, 1, 0],
    ...                      "expected_contacts_90": [0.1, 0.4, 0.7]})
    >>> true = pd.DataFrame({"customer_id": ["a", "b", "c"], "as_of": "2026-01-01", "contacts_90": [0.1, 0.4, 0.7]})
    >>> support_against_truth(said, true)["explained"]
    1.0
    """
    when = {"as_of": lambda t: pd.to_datetime(t["as_of"])}
    both = customers.assign(**when).merge(truth.assign(**when), on=["customer_id", "as_of"])
    true, said = both["contacts_90"].to_numpy(float), both["expected_contacts_90"].to_numpy(float)
    apart = poisson_deviance(true, np.full(len(true), true.mean())).sum()
    return {
        "rank_correlation": metrics.rank_correlation(said, true),
        "last_year_rank_correlation": metrics.rank_correlation(both["contacts_last_year"], true),
        "explained": float(1 - poisson_deviance(true, said).sum() / apart) if apart > 0 else float("nan"),
        "observed_over_expected": float(true.sum() / said.sum()),
        "customers": float(len(both)),
    }


LATENT = {
    "behaviour": ("frequency", "digital", "ticket", "variety"),
    "needs": ("security", "return", "borrowing", "convenience"),
}


def groups_found(segments: pd.DataFrame, truth: pd.DataFrame, seed: int = 7) -> dict[str, float]:
    """Compare segments with planted groups, and with what a mixture of Gaussians makes of the true latent features.

    Returns
    -------
    dict
        Per lens ``<lens>_adjusted_rand``, ``<lens>_latent_adjusted_rand`` and ``<lens>_share``; lenses without segments
        have 0.
    """
    from sklearn.metrics import adjusted_rand_score
    from sklearn.mixture import GaussianMixture

    found: dict[str, float] = {}
    for lens, latent in LATENT.items():
        both = truth.merge(segments[["customer_id", *([lens] if lens in segments else [])]], on="customer_id")
        group = both[f"{lens}_group"].to_numpy()
        x = both[list(latent)].to_numpy()
        best = GaussianMixture(len(np.unique(group)), covariance_type="diag", n_init=10, random_state=seed).fit_predict(
            x
        )
        latent_rand = float(adjusted_rand_score(group, best))
        ours = float(adjusted_rand_score(group, both[lens].fillna(""))) if lens in both else 0.0
        found |= {f"{lens}_adjusted_rand": ours, f"{lens}_latent_adjusted_rand": latent_rand,
                  f"{lens}_share": ours / latent_rand}  # fmt: skip
    return found


def true_offers(
    offers: pd.DataFrame, treatments: pd.DataFrame, value: pd.DataFrame, response_value: float
) -> pd.DataFrame:
    """Put beside assigned customers what the contact truly changes, and its true worth, had it been made.

    Parameters
    ----------
    offers : DataFrame
        ``campaign_id, customer_id, as_of, offer_cost, contact_cost``.
    treatments : DataFrame
        ``campaign_id, customer_id, response_offer, uplift, quadrant, closure_effect``.
    value : DataFrame
        ``customer_id, as_of, margin_12m``: the true expectation at some dates. The one nearest to the offer counts (the
        earlier of two equally near); customers without any have the median.
    response_value : float
        Mean worth of a response.

    Returns
    -------
    DataFrame
        Rows as in ``offers``: ``worth`` (:func:`.promotion.worth.net_worth`), ``response_offer, uplift, quadrant,
        closure_effect, margin_12m``.

    Examples
    --------
    >>> offers = pd.DataFrame({"campaign_id": "P1", "customer_id": ["a", "b"], "as_of": pd.Timestamp("2026-01-31"),
    ...                        "offer_cost": 10.0, "contact_cost": 1.0})
    >>> planted = offers[["campaign_id", "customer_id"]].assign(
    ...     response_offer=0.2, uplift=[0.1, -0.05], quadrant=["persuadable", "sleeping_dog"], closure_effect=[0, 0.02])
    >>> value = pd.DataFrame({"customer_id": "b", "as_of": ["2025-07-01", "2026-07-01"], "margin_12m": [900, 100]})
    >>> true_offers(offers, planted, value, 40.0)["worth"].round(6).tolist()  # b: −.05 × 40 − 10 × .2 − 1 − .02 × 100
    [1.0, -7.0]
    """
    columns = ["campaign_id", "customer_id", "response_offer", "uplift", "quadrant", "closure_effect"]
    rows = offers[["campaign_id", "customer_id", "as_of"]].merge(
        treatments[columns], on=["campaign_id", "customer_id"], how="left", validate="one_to_one"
    )
    rows["margin_12m"] = _nearest(rows, value).fillna(value["margin_12m"].median()).to_numpy()
    worth = net_worth(
        rows["uplift"], rows["response_offer"], rows["closure_effect"], rows["margin_12m"],
        response_value=response_value, offer_cost=offers["offer_cost"], contact_cost=offers["contact_cost"],
    )  # fmt: skip
    return rows.drop(columns=["campaign_id", "customer_id", "as_of"]).assign(worth=worth).set_index(offers.index)


def _nearest(rows: pd.DataFrame, value: pd.DataFrame) -> pd.Series:
    wanted = pd.DataFrame(
        {"customer_id": rows["customer_id"], "when": pd.to_datetime(rows["as_of"]), "row": rows.index}
    )
    known = value.assign(at=pd.to_datetime(value["as_of"]))[["customer_id", "at", "margin_12m"]]
    both = wanted.merge(known, on="customer_id")
    both["away"] = (both["at"] - both["when"]).abs()
    near = both.sort_values(["row", "away", "at"]).drop_duplicates("row").set_index("row")["margin_12m"]
    return near.astype(float).reindex(rows.index)


def worth_of_list(worth: Array, score: Array, share: float) -> float:
    """Mean true worth of a contact, when the first ``share`` of a list are contacted.

    Examples
    --------
    >>> worth = np.array([4.0, 2.0, 0.0, -6.0])
    >>> worth_of_list(worth, np.array([4, 1, 2, 3]), 0.5), worth_of_list(worth, np.zeros(4), 0.5)
    (-1.0, 0.0)
    """
    part = first_share(np.asarray(score, float), share)
    return float(worth @ part / part.sum())


def offers_against_truth(said: pd.DataFrame, true: pd.DataFrame, share: float = 0.3) -> dict[str, float]:
    """Hold a list of offers, and what it rests on, against the truth.

    Parameters
    ----------
    said : DataFrame
        ``expected_worth`` (the list's order), ``response_uplift`` and, where the model knows it, ``closing_uplift``.
    true : DataFrame
        The same rows by :func:`true_offers`.
    share : float
        Share of the customers that is contacted.

    Returns
    -------
    dict
        ``worth, random_worth, latent_worth`` per contact; ``share_of_latent``, of what the latent oracle gains over a
        random list; ``sleeping_dogs, random_sleeping_dogs`` (share of the contacted);
        ``uplift_correlation`` of stated with true uplift, NaN where everybody's is stated alike; means ``stated_uplift,
        true_uplift, stated_closing, true_closing``, NaN where nothing is stated; ``rows``.

    Examples
    --------
    >>> true = pd.DataFrame({"worth": [4.0, 2.0, 0.0, -6.0], "uplift": [0.2, 0.1, 0.0, -0.1], "closure_effect": 0.0,
    ...                      "quadrant": ["persuadable"] * 3 + ["sleeping_dog"]})
    >>> said = pd.DataFrame({"expected_worth": [4.0, 3.0, 1.0, 2.0], "response_uplift": [0.2, 0.1, 0.0, 0.1]})
    >>> found = offers_against_truth(said, true, share=0.75)
    >>> found["worth"], found["random_worth"], found["latent_worth"], round(found["share_of_latent"], 6)
    (0.0, 0.0, 2.0, 0.0)
    """
    worth = true["worth"].to_numpy()
    part = first_share(said["expected_worth"].to_numpy(float), share)
    dogs = (true["quadrant"] == "sleeping_dog").to_numpy(float)
    ours, random, latent = float(worth @ part / part.sum()), float(worth.mean()), worth_of_list(worth, worth, share)
    return {
        "worth": ours,
        "random_worth": random,
        "latent_worth": latent,
        "share_of_latent": (ours - random) / (latent - random),
        "sleeping_dogs": float(dogs @ part / part.sum()),
        "random_sleeping_dogs": float(dogs.mean()),
        "uplift_correlation": float(said["response_uplift"].corr(true["uplift"])),
        "stated_uplift": float(said["response_uplift"].mean()),
        "true_uplift": float(true["uplift"].mean()),
        "stated_closing": float(said["closing_uplift"].mean()) if "closing_uplift" in said else float("nan"),
        "true_closing": float(true["closure_effect"].mean()),
        "rows": float(len(true)),
    }
