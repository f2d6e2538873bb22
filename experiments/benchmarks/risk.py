"""What aggregation costs: a million customers in five units, 100,000 scenarios, and the memory that it takes.

Aggregation is draws, copula, contributions, and the other ways to move together; the report adds sensitivities, stress
and reverse stress. Positions are drawn; loading and scoring are not counted.
"""

import argparse
import json
import resource
import sys
from time import perf_counter

import numpy as np
import pandas as pd

from afraz.catalog import root
from afraz.params import read_yaml
from afraz.risk.aggregate import aggregate, measure_units
from afraz.risk.board import Earlier, report
from afraz.risk.settings import RiskSettings
from afraz.risk.units import Terms

SECONDS, GIGABYTES = 30.0, 8.0


def frames(n: int, seed: int = 7) -> dict[str, pd.DataFrame]:
    """What the units read of ``n`` customers, half of whom have a loan."""
    rng = np.random.default_rng(seed)
    who = np.array([f"C{i:08d}" for i in range(n)])
    m = n // 2
    p = rng.beta(0.8, 40, m)
    book = pd.DataFrame({
        "loan_id": np.array([f"L{i:08d}" for i in range(m)]), "customer_id": who[:m],
        "applied_on": pd.Timestamp("2026-06-30") - pd.to_timedelta(rng.integers(0, 1095, m), "D"),
        "balance": rng.lognormal(8.4, 1, m).round(2), "default_probability": p, "application_probability": p * 1.2,
        "loss_given_default": rng.uniform(0.3, 0.6, m), "days_past_due": np.where(rng.random(m) < 0.02, 35.0, 0.0),
        "remaining_months": rng.integers(1, 60, m).astype(float), "in_default": rng.random(m) < 0.02,
    })  # fmt: skip
    return {
        "credit_book": book,
        "loans": pd.DataFrame({"loan_id": book["loan_id"], "purpose": rng.choice(list("abcdef"), m)}),
        "customers": pd.DataFrame({"customer_id": who, "region_id": rng.choice(list("ABCDEFGHIJKL"), n)}),
        "churn_scores": pd.DataFrame({"customer_id": who, "leave_90": rng.beta(1, 20, n)}),
        "value_scores": pd.DataFrame({"customer_id": who, "expected_margin_12m": rng.lognormal(5, 1, n)}),
        "balances": pd.DataFrame({"customer_id": who, "balance": rng.normal(20_000, 15_000, n)}),
        "contacts_by_topic": pd.DataFrame({"topic": list("abcdefgh"), "contacts": n / 6, "unresolved": n / 33,
                                           "days": 365}),
    }  # fmt: skip


def main() -> None:
    """Time measuring, aggregating, and the whole report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--small", action="store_true", help="20,000 customers, 20,000 scenarios: shows that it runs")
    small = parser.parse_args().small
    n = 20_000 if small else 1_000_000
    stated = read_yaml(root() / "params" / "risk.yaml")
    stated = {k: v for k, v in stated.items() if k in RiskSettings.model_fields}
    settings = RiskSettings(**(stated | ({"scenarios": 20_000} if small else {})))
    given, terms, took = frames(n), Terms("2026-07-01", settings.horizon, settings.currency), {}
    started = perf_counter()
    measured = measure_units(given.__getitem__, terms, settings)
    took["measure"] = perf_counter() - started
    started = perf_counter()
    view = aggregate(measured, settings, 7)
    took["aggregate"] = perf_counter() - started
    started = perf_counter()
    report(measured, settings, Earlier("2026-04-01"), 7)
    took["report"] = perf_counter() - started
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
    rows = sum(len(rows) for rows in measured.positions.values())
    print(f"{n:,} customers, {rows:,} positions, {settings.scenarios:,} scenarios; {memory:.2f} GB at the peak "
          f"(at most {GIGABYTES:g})")  # fmt: skip
    print(f"measure {took['measure']:.1f} s, aggregate {took['aggregate']:.1f} s (at most {SECONDS:g}), the whole "
          f"report {took['report']:.1f} s; Euler gap {view.total['euler_gap']:.0e}")  # fmt: skip
    print(json.dumps({"benchmark": "risk", "positions": rows, "scenarios": settings.scenarios, "gigabytes":
                      round(memory, 2), **{k: round(v, 1) for k, v in took.items()}}))  # fmt: skip
    if took["aggregate"] > SECONDS or memory > GIGABYTES:
        sys.exit("a limit is missed")


if __name__ == "__main__":
    main()
