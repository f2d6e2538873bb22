"""A small panel of customers whose leaving is planted, for the tests of the churn model."""

import numpy as np
import pandas as pd


def panel(customers: int = 700, months: int = 12, noise: int = 4, seed: int = 0, base: float = -3.6) -> pd.DataFrame:
    """Monthly rows with features, labels by horizon and the true probability ``p`` of leaving within a month.

    ``pull`` raises leaving, ``ties`` lowers it, ``noise_*`` does nothing.
    """
    rng = np.random.default_rng(seed)
    state = rng.normal(size=(customers, 2))
    region = rng.choice(["north", "south", "east"], customers)
    states, left = [], np.full(customers, 99)
    for month in range(months + 3):
        state = 0.9 * state + 0.44 * rng.normal(size=state.shape)
        z = base + 1.3 * state[:, 0] - 0.8 * state[:, 1] + 0.8 * (region == "south")
        states.append((state.copy(), 1 / (1 + np.exp(-z))))
        leaves = (left == 99) & (rng.random(customers) < states[-1][1])
        left[leaves] = month
    frames = []
    for month, date in enumerate(pd.date_range("2025-01-01", periods=months, freq="MS")):
        here = left >= month
        values, p = states[month][0][here], states[month][1][here]
        gap = left[here] - month
        frame = pd.DataFrame({"customer_id": [f"c{i:05d}" for i in np.flatnonzero(here)], "as_of": date})
        frame["pull"], frame["ties"] = values.T.round(3)
        for i in range(noise):
            frame[f"noise_{i}"] = rng.normal(size=len(frame)).round(3)
        frame.loc[rng.random(len(frame)) < 0.1, "ties"] = np.nan
        frame["region"] = region[here]
        frame["at_risk"], frame["censored"] = True, False
        for days, last in ((30, 1), (60, 2), (90, 3)):
            frame[f"leaves_{days}"] = (gap < last).astype(float)
        frame["leaves_month"] = np.where(gap < 3, gap + 1.0, np.nan)
        frame["phase"] = np.where(values[:, 1] > 1, "growing", "steady")
        frame["grows_90"] = (states[month + 3][0][here, 1] > 1).astype(float)
        frame["revenue_12m"] = np.exp(rng.normal(4, 1, len(frame))).round(2)
        frame["p"] = p
        frames.append(frame)
    return pd.concat(frames, ignore_index=True)
