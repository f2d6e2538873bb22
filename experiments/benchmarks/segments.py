"""What assigning segments costs: 1,000,000 rows, all kinds of lenses (tiers, rules, k-means, mixture, themes, silent).

From a table in memory (check, cast, prepare, assign) through ``Predictor.predict``. The parameters are drawn, not
fitted: they cost the same. Limit: 20 s on 2 cores.
"""

import argparse
import sys
from time import perf_counter

import numpy as np
import pandas as pd

from afraz.models.pyfunc_segments import Predictor
from afraz.models.segmentation.loyalty import ROLES, fit_loyalty
from afraz.models.segmentation.settings import RulesLens

LIMIT = 20.0
BLOCKS = {"category": 10, "product": 6, "want": 4}
LEVELS = {"gender": 2, "education": 4, "occupation": 6}


def table(rows: int, seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    columns: dict[str, object] = {f"number_{j}": rng.normal(size=rows) for j in range(10)}
    columns |= {name: rng.gamma(2.0, 100.0, rows) for name in ROLES.values()}
    for block, items in BLOCKS.items():
        silent = rng.random(rows) < (0.5 if block == "want" else 0.0)
        for j in range(items):
            columns[f"{block}:{j}"] = np.where(silent, np.nan, rng.poisson(3.0, rows))
    for text, levels in LEVELS.items():
        columns[text] = pd.Series(np.array([f"level {i}" for i in range(levels)])[rng.integers(0, levels, rows)])
    return pd.DataFrame(columns)


def blocks(*names: str) -> list[dict[str, object]]:
    return [{"name": name, "items": [f"{name}:{j}" for j in range(BLOCKS[name])]} for name in names]


def clusters(name: str, kind: str, k: int, numbers: int, texts: list[str], counts: list[str], themes: int = 0) -> dict:
    rng = np.random.default_rng(len(name))
    names = [f"number_{j}" for j in range(numbers)] + [f"theme_{j + 1}" for j in range(themes)]
    own = [
        {"name": n, "share": False, "centre": 0.0, "unit": 1.0, "power": 0.7, "mean": 0.0, "scale": 1.0} for n in names
    ]
    levels = [{"name": text, "levels": [f"level {i}" for i in range(LEVELS[text])]} for text in texts]
    widths = [LEVELS[text] + 1 for text in texts]
    items = [BLOCKS[block] for block in counts]
    dense = len(names) + sum(widths) + sum(items)
    prepare: dict[str, object] = {"numbers": own, "texts": levels, "counts": blocks(*counts)}
    prepare["dense"] = {"means": [0.0] * (dense - len(names)), "scales": [1.0] * (dense - len(names))}
    if themes:
        prepare["themes"] = {"blocks": blocks(*BLOCKS), "rounds": 40,
                             "components": rng.random((themes, sum(BLOCKS.values()))).tolist()}  # fmt: skip
    segments = [
        {"id": f"{name}_{j}", "name": f"{name} {j}", "weight": 1 / k, "centre": rng.normal(size=dense).tolist(),
         "means": rng.normal(size=len(names)).tolist(), "variances": [1.0] * len(names),
         "levels": [rng.dirichlet(np.ones(w)).tolist() for w in widths],
         "items": [rng.dirichlet(np.ones(w)).tolist() for w in items]}
        for j in range(k)
    ]  # fmt: skip
    return {"name": name, "kind": kind, "prepare": prepare, "segments": segments, "coefficients": rng.normal(
        size=(k, dense)).tolist(), "intercepts": [0.0] * k}  # fmt: skip


def spec(frame: pd.DataFrame) -> dict:
    cuts = np.linspace(-1.3, 1.3, 9).tolist()
    tiers = {
        "name": "value", "kind": "tiers",
        "columns": [{"name": f"number_{j}", "cuts": cuts, "lower_is_better": j == 0} for j in range(4)],
        "segments": [{"id": "a", "name": "a", "lowest": 6.0}, {"id": "b", "name": "b", "lowest": 1.0}],
    }  # fmt: skip
    attitude = clusters("attitude", "mixture", 4, 3, [], ["want"])
    attitude |= {"answered": "want:0", "silent": clusters("attitude", "logistic", 4, 8, ["gender"], ["category"])}
    lenses = [
        tiers, attitude, fit_loyalty(frame.head(10), RulesLens(kind="rules"), "loyalty")[0],
        clusters("behaviour", "mixture", 5, 3, [], ["category"]),
        clusters("socio_geographic", "kmeans", 5, 4, list(LEVELS), []),
        clusters("needs", "mixture", 5, 0, [], [], themes=5),
        clusters("combined", "mixture", 6, 7, list(LEVELS), ["category"]),
    ]  # fmt: skip
    features = [
        {"name": name, "type": "text", "levels": [f"level {i}" for i in range(LEVELS[name])]}
        if name in LEVELS
        else {"name": name, "type": "double", **({"absent": 0} if ":" in name else {})}
        for name in frame.columns
    ]
    return {"format": 1, "model": "benchmark", "features": features, "lenses": lenses}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--small", action="store_true", help="20,000 rows: shows that it runs, not how fast")
    rows = 20_000 if parser.parse_args().small else 1_000_000
    frame = table(rows, 8)
    model = spec(frame)
    Predictor(model).predict(frame.head(1_000))
    total = perf_counter()
    Predictor(model).predict(frame)
    total = perf_counter() - total
    for lens in model["lenses"]:
        start = perf_counter()
        Predictor({**model, "lenses": [lens]}).positions(frame)
        print(f"{lens['name']:>18} {perf_counter() - start:6.2f} s (with reading the table)")
    print(f"{'all lenses':>18} {total:6.2f} s for {rows:,} rows; limit {LIMIT:g} s")
    if rows == 1_000_000 and total > LIMIT:
        sys.exit(f"{total:.1f} s is above the limit of {LIMIT:g} s")


if __name__ == "__main__":
    main()
