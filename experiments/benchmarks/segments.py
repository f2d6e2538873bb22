"""How long does it take to assign a million customers to the segments of all lenses? (limit 20 s on two cores)."""

import argparse
import time

import numpy as np
import pandas as pd

from afraz.models.segmentation.segmentation import SegmentationSettings, fit_segmentation

LENSES = {
    "value": {"kind": "tiers", "columns": {"recency": "recency", "margin": "margin"}, "lower_is_better": ["recency"]},
    "behaviour": {"kind": "clusters", "numbers": ["spending", "visits"], "counts": ["category"]},
    "geography": {"kind": "clusters", "numbers": ["age"], "texts": ["region", "education"]},
    "needs": {"kind": "clusters", "counts": ["category", "product"]},
    "loyalty": {"kind": "rules", "columns": {"silence": "recency"}},
}


def customers(n: int, seed: int) -> pd.DataFrame:
    """Draw customers of four kinds."""
    rng = np.random.default_rng(seed)
    kind = rng.integers(0, 4, n)
    share = np.array([[0.7, 0.1, 0.1, 0.1], [0.1, 0.7, 0.1, 0.1], [0.1, 0.1, 0.7, 0.1], [0.1, 0.1, 0.1, 0.7]])[kind]
    counts = rng.poisson(40 * share)
    held = rng.random((n, 4)) < 0.1 + 0.8 * share
    return pd.DataFrame({
        "customer_id": np.arange(n), "spending": np.exp(rng.normal(3 + kind, 0.7)), "margin": rng.normal(10, 20, n),
        "visits": rng.poisson(3 + 3 * kind).astype(float), "recency": rng.integers(1, 300, n).astype(float),
        "age": rng.normal(35 + 10 * kind, 8), "tenure_days": rng.integers(10, 4000, n).astype(float),
        "region": np.array(list("abcd"))[np.where(rng.random(n) < 0.8, kind, 0)],
        "education": np.array(list("wxyz"))[rng.integers(0, 4, n)],
        **{f"category:{c}": counts[:, j].astype(float) for j, c in enumerate("klmn")},
        **{f"product:{c}": held[:, j].astype(float) for j, c in enumerate("pqrs")},
    })  # fmt: skip


def main() -> None:
    """Fit on a few thousand customers, assign many."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--small", action="store_true")
    rows = 20_000 if parser.parse_args().small else 1_000_000
    settings = SegmentationSettings(lenses=LENSES, bootstrap=3, nulls=3, sample_rows=1500, clusters=(2, 5))
    model = fit_segmentation(customers(3000, 1), settings).model
    table = customers(rows, 2)
    started = time.perf_counter()
    assigned = model.predict(table)
    seconds = time.perf_counter() - started
    lenses = [c for c in assigned if not c.endswith("_confidence")]
    print(f"{rows:,} customers × {len(lenses)} lenses ({', '.join(lenses)}): {seconds:.1f} s")


if __name__ == "__main__":
    main()
