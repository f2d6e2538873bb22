"""One rule in the words of those who follow it."""

from typing import Any

import lightgbm as lgb

BEYOND = 1e300  # LightGBM's threshold where all that is known lies on one side, and what is missing on the other
NOTHING = 1e-30  # its thresholds next to 0 are ±1e-35


def in_words(booster: lgb.Booster, features: list[dict[str, Any]]) -> str:
    """Say which customers a rule prefers; texts are told by their levels.

    Parameters
    ----------
    booster : one tree with at most one split
    features : as a model spells them (:meth:`..encoding.FoldEncoder.features`)

    Examples
    --------
    >>> import numpy as np
    >>> from afraz.models import gbm
    >>> x = np.repeat([[30.0, 0.2], [50.0, 0.4]], 50, axis=0)
    >>> told = gbm.lightgbm_parameters({"num_leaves": 2, "feature_fraction": 1.0}, seed=0)
    >>> told |= {"objective": "regression", "metric": "l2"}
    >>> booster = gbm.train(gbm.dataset(x[:, :1], x[:, 0], ["age"]), told, 1)
    >>> in_words(booster, [{"name": "age", "type": "double"}])
    'age above 40'
    >>> booster = gbm.train(gbm.dataset(x[:, 1:], -x[:, 0], ["area"]), told, 1)
    >>> levels = {"Rural": 0.2, "Urban": 0.4}
    >>> in_words(booster, [{"name": "area", "type": "text", "levels": levels, "missing": 0.35, "other": 0.35}])
    'area is Rural'
    """
    tree = booster.dump_model()["tree_info"][0]["tree_structure"]
    if "split_feature" not in tree:
        return "no condition parts the customers"
    feature, cut = features[tree["split_feature"]], float(tree["threshold"])
    left = tree["left_child"]["leaf_value"] > tree["right_child"]["leaf_value"]
    name = str(feature["name"])
    if feature["type"] == "text":
        taken = [level for level, code in feature["levels"].items() if (code <= cut) == left]
        taken += ["missing"] if (feature["missing"] <= cut) == left else []
        return f"{name} is {' or '.join(taken) or 'anything else'}"
    if cut >= BEYOND:
        return f"{name} is {'known' if left else 'missing'}"
    missing = tree["missing_type"] == "NaN" and tree["default_left"] == left
    below, above = ("below", "at least") if -NOTHING < cut < 0 else ("up to", "above")
    edge = 0.0 if abs(cut) < NOTHING else cut
    return f"{name} {below if left else above} {edge:.4g}{' or missing' if missing else ''}"
