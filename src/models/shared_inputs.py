"""A scorecard over the inputs of other heads, so that both can be parts of one blend.

A scorecard of its own knows a text by the number of its bin, trees and lines know it by the event rate of its level.
Here the rates stay and the bins are spelled over them. Levels of one rate that lie in different bins are told apart by
the smallest step that a double can make, which no tree and no line notices.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from .binned_variable import BinnedVariable
from .scorecard import Scorecard

Spec = dict[str, Any]


def shared_inputs(card: Scorecard, features: Sequence[Spec]) -> tuple[list[Spec], Spec]:
    """Spell the scorecard over the features of an encoder.

    Parameters
    ----------
    card : Scorecard
    features : sequence of dict
        :meth:`afraz.models.encoding.FoldEncoder.features` of the same training rows; all the card's variables among
        them.

    Returns
    -------
    features : list of dict
        The same, codes of texts told apart where the card needs it.
    head : dict
        The card as a head over them (without its name): same margins as by itself.

    Raises
    ------
    ParamsError
        If a variable of the card is no feature.
    """
    head = card.head([feature["name"] for feature in features])
    out, bins = [dict(feature) for feature in features], list(head["bins"])
    for j, feature in enumerate(out):
        if feature["type"] == "text" and bins[j] is not None:
            out[j], bins[j] = _over_rates(card.binning.variables[feature["name"]], feature)
    return out, {**head, "bins": bins}


def _over_rates(variable: BinnedVariable, feature: Spec) -> tuple[Spec, Spec]:
    """Sort the levels by rate; a new bin begins where the weight of evidence changes."""
    woe, known = variable.woe, variable.levels or {}
    unknown = len(variable.splits)  # the last bin takes the levels that have none of their own
    levels = list(feature["levels"])
    codes = [*feature["levels"].values(), feature["missing"], feature["other"]]
    of_code = [*(float(woe[known.get(level, unknown)]) for level in levels), float(woe[-1]), float(woe[unknown])]
    apart, splits, heights, last = dict[int, float](), list[float](), list[float](), -np.inf
    for i in sorted(range(len(codes)), key=lambda i: (codes[i], of_code[i])):
        if heights and of_code[i] != heights[-1]:
            last = max(codes[i], float(np.nextafter(last, np.inf)))
            splits.append(last)  # a value equal to a split belongs to its right
            heights.append(of_code[i])
        else:
            last = max(codes[i], last)
            heights = heights or [of_code[i]]
        apart[i] = last
    named = {level: apart[i] for i, level in enumerate(levels)}
    told = {**feature, "levels": named, "missing": apart[len(levels)], "other": apart[len(levels) + 1]}
    return told, {"splits": splits, "woe": heights, "missing": float(woe[-1])}
