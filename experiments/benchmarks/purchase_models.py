"""What fitting purchase models costs: as many customers as CDNOW's master set has, and a million, drawn from BG/NBD.

Times are whole days, as orders have them; customers come over a year. The wanted seconds are for fitting alone; making
histories from orders stands beside.
"""

import argparse
import json
from collections.abc import Callable
from time import perf_counter

import numpy as np
import pandas as pd

from afraz.models.value.bg_nbd import BgNbd, fit_bg_nbd
from afraz.models.likelihood import Fit
from afraz.models.value.gamma_gamma import fit_gamma_gamma
from afraz.models.value.pareto_nbd import fit_pareto_nbd
from afraz.models.value.purchase_history import purchase_history

TRUTH = BgNbd(0.2426, 4.4136, 0.7929, 2.4259)
FITS: dict[str, Callable[[pd.DataFrame], Fit]] = {
    "bg_nbd": fit_bg_nbd, "pareto_nbd": fit_pareto_nbd, "gamma_gamma": fit_gamma_gamma
}  # fmt: skip
WANTED = {23_570: 2.0, 1_000_000: 10.0}


def customers(n: int, seed: int) -> pd.DataFrame:
    """Draw histories in weeks of whole days, and what was spent."""
    rng = np.random.default_rng(seed)
    drawn = TRUTH.simulate(rng.integers(365, 730, n) / 7, rng)
    x = drawn["frequency"].to_numpy()
    spent = rng.gamma(6.0 * np.maximum(x, 1)) / rng.gamma(4.0, 1 / 15.0, n) / np.maximum(x, 1)
    return drawn.assign(recency=np.ceil(drawn["recency"] * 7) / 7, monetary_value=np.where(x > 0, spent, np.nan))


def orders(n: int, seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    days = pd.Timestamp("2025-01-01") + pd.to_timedelta(rng.integers(0, 365, n), "D")
    return pd.DataFrame({"customer_id": rng.integers(0, n // 3, n), "date": days, "value": rng.gamma(2.0, 20.0, n)})


def timed(action: Callable[[], object]) -> tuple[float, object]:
    start = perf_counter()
    found = action()
    return round(perf_counter() - start, 2), found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--small", action="store_true", help="2,000 customers: shows that it runs, not how fast")
    small = parser.parse_args().small
    sizes = [2_000] if small else list(WANTED)
    found: dict[str, object] = {"benchmark": "purchase_models", "wanted": {str(n): WANTED.get(n) for n in sizes}}
    fit_bg_nbd(customers(2_000, 1))  # imports
    print(f"{'':40}{'s':>9}")
    for n in sizes:
        history = customers(n, 7)
        for name, fit in FITS.items():
            seconds, result = timed(lambda fit=fit, history=history: fit(history))
            assert isinstance(result, Fit)
            found[f"{name}_{n}"] = {"seconds": seconds, "converged": result.converged, **result.params}
            print(f"{f'{name}, {n:,} customers':40}{seconds:>9}   (at most {WANTED.get(n, 0):g})")
            if name != "gamma_gamma":
                seconds, _ = timed(lambda m=result.model, history=history: m.expected_purchases(history, 52.0))
                found[f"{name}_{n}_forecast_seconds"] = seconds
                print(f"{'  its forecast for each':40}{seconds:>9}")
    rows = 10_000 if small else 3_000_000
    table = orders(rows, 9)
    found["history_seconds"], _ = timed(lambda: purchase_history(table, "2025-12-31"))
    found["history_orders"] = rows
    print(f"{f'histories of {rows:,} orders':40}{found['history_seconds']:>9}")
    print(json.dumps(found))


if __name__ == "__main__":
    main()
