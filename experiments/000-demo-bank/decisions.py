"""How good are the offers? Lists of the promotion model beside those of its rivals, paid in true worth."""

import shutil
from collections.abc import Sequence
from contextlib import chdir
from datetime import date
from pathlib import Path
from typing import Any

import ibis
import lightgbm as lgb
import numpy as np
import pandas as pd
from intervals import fieller, mean_of
from numpy.typing import NDArray

from afraz import catalog
from afraz.data.ingest import ingest
from afraz.data.simulator.bank import simulate
from afraz.features.assignments import assignments, build_assignments, campaign_kinds, drawn, with_kinds
from afraz.features.offers import response_worth
from afraz.features.promotion_training import promotion_training
from afraz.models import gbm
from afraz.models.artifact import Artifact, load_artifact
from afraz.models.metrics import finite
from afraz.models.oracle import true_offers, worth_of_list
from afraz.models.promotion.policy import first_share
from afraz.params import load_params
from afraz.pipeline.workspace import make_workspace, run_there
from afraz.scoring.oracle import offers_of_test

Array = NDArray[np.float64]

AT = {0.1: "10pct", 0.2: "20pct", 0.3: "30pct", 0.5: "50pct"}  # lengths of lists, and what they are called
BUDGET = 0.3
LISTS = ("ours", "response", "random", "observable", "latent")
EXPECT = ("ours", "observable", "latent")  # lists that say what a contact is worth; the others spend the whole budget
STAGES = ("simulate", "ingest", "assignments", "promotion")
MODEL = "experiments/runs/promotion/model"
ASIDE = ("campaign_id", "customer_id", "as_of", "arm", "kind", "propensity")
PATIENCE = 50


def bank(folder: Path, seed: int, customers: int) -> Path:
    """Run the stages on a bank of its own; a bank that is there is taken as it is."""
    place = folder / f"bank-{seed}"
    if not (place / MODEL).exists():
        shutil.rmtree(place, ignore_errors=True)
        few = {"assignments": {"audit_customers": 50}, "promotion": {"explain_rows": 500}}  # nothing here reads these
        make_workspace(place, {"common": {"seed": seed}, "simulate": {"customers": customers}, **few})
        run_there(place, *STAGES)
        shutil.rmtree(place / "data/source")
    return place


def known_offers(folder: Path, seed: int, customers: int, today: date) -> pd.DataFrame:
    """Features of everybody drawn for a campaign with an offer, on a bank of its own, with the true ``worth``.

    What it made is kept in one file; one that is there is taken as it is.
    """
    made = folder / f"oracle-{seed}.parquet"
    if not made.exists():
        place = folder / f"oracle-{seed}"
        simulate(place / "source", place / "truth", customers=customers, seed=seed, end=today)
        source = [{"kind": "demo", "path": str(place / "source")}]
        ingest(source, place / "canonical", place / "rejects", observed_until=today)
        tables = drawn({p.stem: ibis.read_parquet(p) for p in sorted((place / "canonical").glob("*.parquet"))})
        stated = load_params("assignments", catalog.root())
        kinds = campaign_kinds(tables, placebo_offers=stated["placebo_offers"], service_offers=stated["service_offers"])
        rows = with_kinds(build_assignments(tables, stated["families"]), kinds)
        costs = assignments(tables).select("campaign_id", "offer_cost", "contact_cost").distinct().to_pandas()
        costs = costs.astype({"offer_cost": float, "contact_cost": float})
        table = rows.filter(rows.kind.isin(["randomised", "targeted"])).to_pandas().merge(costs, on="campaign_id")
        table = table.sort_values(["campaign_id", "customer_id"], ignore_index=True)
        value = float(tables["treatments"].response_value.cast("float64").mean().execute())
        truth = [pd.read_parquet(place / "truth" / f"{name}.parquet") for name in ("treatments", "value")]
        table.assign(worth=true_offers(table, *truth, value)["worth"]).to_parquet(made)
        shutil.rmtree(place)
    return pd.read_parquet(made)


class Oracle:
    """Trees that learn the true worth itself from features, offer, channel and costs: no luck is in their labels.

    Parameters
    ----------
    banks : sequence of DataFrame
        :func:`known_offers` of several banks. The last one says how many trees are best.
    """

    def __init__(self, banks: Sequence[pd.DataFrame], seed: int) -> None:
        first = banks[0]
        self.columns = [c for c in first.columns if c not in (*ASIDE, "worth")]
        self.levels = {
            c: sorted({str(v) for table in banks for v in table[c].dropna().unique()})
            for c in self.columns
            if not pd.api.types.is_numeric_dtype(first[c]) and not pd.api.types.is_bool_dtype(first[c])
        }
        past = pd.concat(banks[:-1], ignore_index=True)
        train = gbm.dataset(self._matrix(past), past["worth"].to_numpy(float), self._names())
        valid = gbm.dataset(self._matrix(banks[-1]), banks[-1]["worth"].to_numpy(float), self._names(), train)
        chosen = {"learning_rate": 0.05, "num_leaves": 31, "max_depth": 6, "min_data_in_leaf": 200}
        parameters = gbm.lightgbm_parameters(chosen, seed=seed, threads=1)
        parameters |= {"objective": "regression", "metric": "l2"}
        told = [lgb.early_stopping(PATIENCE, verbose=False)]
        self.booster = lgb.train(parameters, train, 2000, valid_sets=[valid], callbacks=told)
        self.trees = int(self.booster.best_iteration)

    def predict(self, offers: pd.DataFrame) -> Array:
        """Expected true worth."""
        return np.asarray(self.booster.predict(self._matrix(offers)))

    def _names(self) -> list[str]:
        return [f"{c}_{level}" for c, levels in self.levels.items() for level in levels] + [
            c for c in self.columns if c not in self.levels
        ]

    def _matrix(self, table: pd.DataFrame) -> Array:
        flags = [table[c].astype("str").eq(level) for c, levels in self.levels.items() for level in levels]
        numbers = [pd.to_numeric(table[c]) for c in self.columns if c not in self.levels]
        return np.column_stack([column.to_numpy(float, na_value=np.nan) for column in [*flags, *numbers]])


def response_ranking(model: Artifact, offers: pd.DataFrame, seed: int) -> Array:
    """Rank by the expected response with the offer: trees on the treated that the promotion model learned from.

    Inputs are encoded as the model encodes them, and there are as many trees as its own folds found best for responses.
    """
    table, _ = promotion_training({})
    past = table[(table["treated"] == 1) & (table["as_of"] < offers["as_of"].min())]
    rounds = catalog.load("promotion_metrics")["choice"]["rounds"]["outcome"]
    names = [feature["name"] for feature in model.spec["features"]]
    data = gbm.dataset(model.matrix(past), past["responded"].to_numpy(float), names)
    booster = gbm.train(data, gbm.lightgbm_parameters({}, seed=seed), rounds)
    return np.asarray(booster.predict(model.matrix(offers), raw_score=True))


def measured(place: Path, oracle: Oracle, seed: int) -> dict[str, Any]:
    """Worth of a contact by list and budget, and how many sleeping dogs are woken, on one bank's test campaigns."""
    with chdir(place):
        offers = offers_of_test()
        truth = [pd.read_parquet(f"data/truth/{name}.parquet") for name in ("treatments", "value")]
        true = true_offers(offers, *truth, response_worth() or 0.0)
        model = load_artifact(catalog.path("promotion_model"))
        rival = response_ranking(model, offers, seed)
        choice = catalog.load("promotion_metrics")["choice"]
    worth = true["worth"].to_numpy()
    lists = {"ours": offers["expected_worth"].to_numpy(), "response": rival, "random": np.zeros(len(worth)),
             "observable": oracle.predict(offers), "latent": worth}  # fmt: skip
    dogs = (true["quadrant"] == "sleeping_dog").to_numpy(float)
    row: dict[str, Any] = {"seed": seed, "customers": len(offers), "learner": choice["chosen"]}
    for share, at in AT.items():
        row |= {f"{name}_at_{at}": worth_of_list(worth, score, share) for name, score in lists.items()}
    for name, score in lists.items():
        first = first_share(score, BUDGET)
        decided = first * (score > 0) if name in EXPECT else first
        row |= {f"contacts_{name}": float(decided.sum()), f"worth_{name}": float(worth @ decided),
                f"sleeping_dogs_{name}": float(dogs @ decided),
                f"sleeping_dogs_{name}_at_{AT[BUDGET]}": float(dogs @ first)}  # fmt: skip
    row |= finite({"uplift_correlation": float(offers["response_uplift"].corr(true["uplift"]))})
    return row


def summed_up(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Put banks together: the decisions at the same budget, and lists ``at_equal_length`` beside them.

    The budget is a ceiling, as in ``81_decide``: nobody is contacted whose contact is expected to lose. Response
    ranking and the random list expect no worth, so they spend all of it.
    """
    table = pd.DataFrame(rows)
    customers = table["customers"]
    decided = {name: table[f"worth_{name}"] / customers for name in LISTS}
    woken = {name: table[f"sleeping_dogs_{name}"] for name in LISTS}
    return {
        **_compared(decided, woken),
        "worth_per_customer": {name: float(value.mean()) for name, value in decided.items()},
        "contacted": {name: float((table[f"contacts_{name}"] / customers).mean()) for name in LISTS},
        "sleeping_dogs_of_contacts": {
            name: float(woken[name].sum() / table[f"contacts_{name}"].sum()) for name in LISTS},
        "at_equal_length": {at: _at_equal_length(table, at) for at in AT.values()},
        "by_bank": list(rows),
    }  # fmt: skip


def _at_equal_length(table: pd.DataFrame, at: str) -> dict[str, Any]:
    paid = {name: table[f"{name}_at_{at}"] for name in LISTS}
    woken = {name: table[f"sleeping_dogs_{name}_at_{at}"] for name in LISTS} if at == AT[BUDGET] else {}
    return {**_compared(paid, woken), "worth_per_contact": {name: float(v.mean()) for name, v in paid.items()}}


def _compared(paid: dict[str, pd.Series], woken: dict[str, pd.Series]) -> dict[str, Any]:
    """Means over the banks with the t interval of the mean, and ratios of means with Fieller's.

    ``over_response_ranking`` is what ours gains over a random list, in terms of what response ranking gains; nothing
    where response ranking does not gain for certain. The plain difference stands beside it.
    """
    gained = {name: paid[name] - paid["random"] for name in LISTS}
    ratio, low, high = fieller(gained["ours"].to_numpy(float), gained["response"].to_numpy(float))
    dogs = {name: float(each.sum()) for name, each in woken.items()}
    ratios = {"": ("ours", "response"), "_to_random": ("ours", "random"),
              "_of_observable_oracle": ("observable", "response")}  # fmt: skip
    return {
        **mean_of("share_of_observable_oracle", gained["ours"] / gained["observable"]),
        **mean_of("share_of_latent_oracle", gained["ours"] / gained["latent"]),
        "over_response_ranking": ratio, "over_response_ranking_low": low, "over_response_ranking_high": high,
        **mean_of("difference_to_response_ranking", paid["ours"] - paid["response"]),
        **mean_of("gain_of_response_ranking", gained["response"]),
        "banks_above_response_ranking": float((paid["ours"] > paid["response"]).mean()),
        **{f"sleeping_dogs_ratio{of}": dogs[one] / dogs[other] for of, (one, other) in ratios.items() if dogs},
    }  # fmt: skip


def about(banks: Sequence[pd.DataFrame], oracle: Oracle) -> dict[str, float]:
    """What the observable oracle learned from; its last bank was kept to stop it."""
    return {"oracle_banks": len(banks), "oracle_rows": sum(map(len, banks[:-1])), "oracle_trees": oracle.trees}
