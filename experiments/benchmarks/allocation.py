"""What allocation costs and gives away: a million customers × 10 options, and the gap to HiGHS on 2,000 × 5.

The large problem has a budget, the weekly capacity of two channels and that of 50 branches; its gap is that to the
bound, for no exact solver takes it. The small ones are solved as a whole by HiGHS, to 1e-6 or for 30 seconds.
"""

import argparse
import json
import resource
import sys
from dataclasses import replace
from time import perf_counter

import numpy as np
from scipy import sparse
from scipy.optimize import Bounds, LinearConstraint, milp

from afraz.decisioning.allocation.allocate import allocate
from afraz.decisioning.allocation.capacity import Limit, compile_limits

SECONDS, GIGABYTES, SHORT = 60.0, 8.0, 1e-3


def instance(kind: str, n: int, m: int, seed: int) -> tuple[np.ndarray, list[Limit]]:
    """Draw values, costs and limits that all bind more or less."""
    rng = np.random.default_rng(seed)
    cost = rng.uniform(1, 10, m).round(2)
    value = rng.lognormal(1, 1, (n, 1)) * rng.uniform(0.2, 2, (n, m))
    if kind == "ties":
        value = rng.integers(1, 4, (n, m)).astype(float)
    if kind == "correlated":
        value = cost + rng.normal(0, 0.1, (n, m))
    if kind == "eligible":
        value[rng.random((n, m)) < 0.6] = np.nan
    call = (np.arange(m) < m / 2).astype(float)
    share = 0.02 if kind == "tight" else 0.3
    limits = [
        Limit("budget", cost, share * n * cost.mean()),
        Limit("calls", call, 0.15 * n),
        Limit("letters", 1 - call, 0.25 * n),
    ]
    if kind == "own":
        limits[0] = replace(limits[0], usage=cost * rng.lognormal(0, 0.5, (n, m)))
    if kind == "branches":
        limits.append(Limit("branch", call, rng.integers(1, 7, 50) * n / 2000, group=rng.integers(0, 50, n)))
    return value, limits


def highs(value: np.ndarray, limits: list[Limit]) -> float:
    """Solve the whole integer program."""
    rows = compile_limits(limits, *value.shape)
    i, j = np.nonzero(np.isfinite(value))
    usage = rows.of_columns(i, j).tocsr()
    once = sparse.csr_array((np.ones(len(i)), (i, np.arange(len(i)))), shape=(len(value), len(i)))
    rules = [LinearConstraint(usage, -np.inf, rows.capacity), LinearConstraint(once, -np.inf, 1)]
    options = {"mip_rel_gap": 1e-6, "time_limit": 30}
    found = milp(-value[i, j], integrality=np.ones(len(i)), bounds=Bounds(0, 1), constraints=rules, options=options)
    return -float(found.fun)


def main() -> None:
    """Time the large problem, then hold small ones against HiGHS."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--small", action="store_true", help="20,000 × 10 and 200 × 5: shows that it runs")
    small = parser.parse_args().small
    n, few = (20_000, 200) if small else (1_000_000, 2000)
    value, limits = instance("branches", n, 10, 3)
    started = perf_counter()
    large = allocate(value, limits)
    seconds = perf_counter() - started
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
    print(f"{n:,} customers × 10 options, {len(large.limits)} limits: {seconds:.1f} s (at most {SECONDS:g}), ", end="")
    print(f"{memory:.2f} GB at the peak (at most {GIGABYTES:g}), gap to the bound {large.gap:.1e}")
    print(f"{few:,} × 5:{'':10}{'short of HiGHS':>15}{'gap to bound':>15}{'s':>7}{'HiGHS s':>9}", flush=True)
    short = {}
    for kind in ("plain", "tight", "ties", "correlated", "eligible", "own", "branches"):
        value, limits = instance(kind, few, 5, 0)
        started = perf_counter()
        found = allocate(value, limits)
        ours = perf_counter() - started
        started = perf_counter()
        best = highs(value, limits)
        short[kind] = 1 - found.value / best
        print(
            f"{kind:18}{short[kind]:>15.1e}{found.gap:>15.1e}{ours:>7.1f}{perf_counter() - started:>9.1f}", flush=True
        )
    print(json.dumps({"benchmark": "allocation", "rows": n, "seconds": round(seconds, 1), "gigabytes": round(memory, 2),
                      "gap": large.gap, "most_short_of_highs": max(short.values())}))  # fmt: skip
    if max(short.values()) > SHORT or memory > GIGABYTES or seconds > SECONDS:
        sys.exit("a limit is missed")


if __name__ == "__main__":
    main()
