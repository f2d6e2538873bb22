"""What a model's spec and its boosters must satisfy before they may become a folder."""

import math
import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..errors import ArtifactError, nearest

FEATURE_TYPES = ("double", "text")
HEAD_KINDS = ("lightgbm", "linear", "scorecard", "blend", "two_part", "contrast")
COMPOSED_KINDS = ("blend", "two_part", "contrast")
LENS_KINDS = ("tiers", "rules", "kmeans", "mixture", "none")
LINKS = ("logit", "identity", "points")
PER_FEATURE = ("coefficients", "means", "scales", "impute", "lower", "upper", "missing_coefficients", "missing_shares")


def check_spec(spec: dict[str, Any], boosters: set[str]) -> None:
    """Hold a spec against the contract.

    Raises
    ------
    ArtifactError
        With the part that breaks it.

    Examples
    --------
    >>> check_spec({"format": 1, "model": "churn", "features": [], "heads": [], "outputs": []}, set())
    Traceback (most recent call last):
    ...
    afraz.errors.ArtifactError: spec of 'churn': no features; a model needs at least one
    """
    where = _check_parts(spec, ("features", "heads", "outputs"))
    for feature in spec["features"]:
        _check_feature(where, feature)
    for head in spec["heads"]:
        _check_head(where, head, len(spec["features"]), boosters)
        if head["kind"] in COMPOSED_KINDS:
            _check_composed(where, head, _kinds_before(spec["heads"], head))
    _check_outputs(where, spec)


def _check_parts(spec: dict[str, Any], parts: tuple[str, ...]) -> str:
    """Refuse a spec that lacks a part, or names two entries of one alike; say where the spec is from."""
    needed = ("format", "model", *parts)
    for part in needed:
        if part not in spec:
            raise ArtifactError(f"spec lacks {part!r}: it needs {', '.join(needed[:-1])} and {needed[-1]}")
    where = f"spec of {spec['model']!r}"
    if spec["format"] != 1:
        raise ArtifactError(f"{where}: format {spec['format']!r} is unknown, expected 1")
    for part in parts:
        names = [entry["name"] for entry in spec[part]]
        if not names:
            raise ArtifactError(f"{where}: no {part}; a model needs at least one")
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ArtifactError(f"{where}: {part} named twice: {', '.join(twice)}")
    return where


def check_segments(spec: dict[str, Any]) -> None:
    """Hold the spec of a model that assigns segments against the contract.

    Raises
    ------
    ArtifactError
        With the part that breaks it.

    Examples
    --------
    >>> lens = {"name": "value", "kind": "tiers", "segments": [{"id": "high", "name": "high"}] * 2}
    >>> check_segments({"format": 1, "model": "segmentation", "features": [{"name": "x", "type": "double"}],
    ...                 "lenses": [lens]})
    Traceback (most recent call last):
    ...
    afraz.errors.ArtifactError: spec of 'segmentation': lens 'value' has segments named twice: high
    """
    where = _check_parts(spec, ("features", "lenses"))
    for feature in spec["features"]:
        _check_type(where, feature)
    for lens in spec["lenses"]:
        if lens.get("kind") not in LENS_KINDS:
            raise ArtifactError(
                f"{where}: lens {lens['name']!r} has kind {lens.get('kind')!r}: "
                f"{nearest(str(lens.get('kind')), LENS_KINDS)}"
            )
        ids = [segment["id"] for segment in lens.get("segments", ())]
        twice = sorted({id for id in ids if ids.count(id) > 1})
        if twice or not (ids or lens["kind"] == "none"):
            raise ArtifactError(
                f"{where}: lens {lens['name']!r} has "
                + (f"segments named twice: {', '.join(twice)}" if twice else "no segments")
            )


def _check_type(where: str, feature: dict[str, Any]) -> None:
    if feature.get("type") not in FEATURE_TYPES:
        kind = feature.get("type")
        raise ArtifactError(f"{where}: feature {feature['name']!r} has type {kind!r}, expected double or text")


def _check_feature(where: str, feature: dict[str, Any]) -> None:
    _check_type(where, feature)
    name = feature["name"]
    if feature["type"] == "text":
        absent = [key for key in ("levels", "missing", "other") if key not in feature]
        if absent:
            raise ArtifactError(f"{where}: text feature {name!r} lacks {', '.join(absent)}")
        levels = [*feature["levels"].values(), feature["other"], feature["missing"] or 0.0]
        if not all(math.isfinite(code) for code in levels):
            raise ArtifactError(f"{where}: text feature {name!r} has a code that is not finite; use null for missing")


def _check_head(where: str, head: dict[str, Any], features: int, boosters: set[str]) -> None:
    name, kind = head["name"], head.get("kind")
    if kind not in HEAD_KINDS:
        raise ArtifactError(f"{where}: head {name!r} has kind {kind!r}: {nearest(str(kind), HEAD_KINDS)}")
    if kind == "lightgbm":
        if name not in boosters:
            raise ArtifactError(f"{where}: no booster was given for head {name!r}")
        if not re.fullmatch(r"[A-Za-z0-9_-]+\.txt", str(head.get("file"))):
            raise ArtifactError(f"{where}: head {name!r} needs a file such as {name}.txt, not {head.get('file')!r}")
    if kind == "scorecard":
        _check_scorecard(f"{where}: scorecard {name!r}", head, features)
    if kind != "linear":
        return
    for key in ("intercept", "coefficients", "means", "scales"):
        if key not in head:
            raise ArtifactError(f"{where}: linear head {name!r} lacks {key}")
    for key in PER_FEATURE:
        if head.get(key) and len(head[key]) != features:
            raise ArtifactError(f"{where}: {key} of head {name!r} has {len(head[key])} entries for {features} features")
    if any(scale == 0 for scale in head["scales"]):
        raise ArtifactError(f"{where}: head {name!r} has a scale of 0; drop the constant feature or use 1")


def _check_scorecard(where: str, head: dict[str, Any], features: int) -> None:
    for key in ("intercept", "bins", "coefficients", "reference_terms"):
        if key not in head:
            raise ArtifactError(f"{where} lacks {key}")
        if key != "intercept" and len(head[key]) != features:
            raise ArtifactError(f"{where}: {key} has {len(head[key])} entries for {features} features")
    if not np.isfinite([head["intercept"], *head["coefficients"], *head["reference_terms"]]).all():
        raise ArtifactError(f"{where} has an intercept, a coefficient or a reference term that is not finite")
    for j, (bins, coefficient) in enumerate(zip(head["bins"], head["coefficients"], strict=True)):
        if bins is None:
            if coefficient != 0 or head["reference_terms"][j] != 0:
                raise ArtifactError(f"{where}: feature {j} has no bins, so its coefficient and reference must be 0")
            continue
        absent = [key for key in ("splits", "woe", "missing") if bins.get(key) is None]
        if absent:
            raise ArtifactError(f"{where}: bins of feature {j} lack {', '.join(absent)}")
        if not (_steps(bins["splits"]) > 0).all():
            raise ArtifactError(f"{where}: splits of feature {j} must be finite and rise")
        if len(bins["woe"]) != len(bins["splits"]) + 1 or not np.isfinite([*bins["woe"], bins["missing"]]).all():
            raise ArtifactError(
                f"{where}: feature {j} needs a finite woe for each of its {len(bins['splits']) + 1} bins"
            )
    _check_points(where, {"factor": 1.0, "offset": 0.0, **head.get("scaling", {})})


def _check_points(where: str, scaling: dict[str, Any]) -> None:
    """Points need a factor above 0, or more points would not mean less risk."""
    factor, offset = scaling.get("factor"), scaling.get("offset")
    if factor is None or offset is None or not (0 < factor < np.inf and math.isfinite(offset)):
        raise ArtifactError(f"{where}: points need a factor above 0 and an offset, both finite: {factor} and {offset}")


def _check_composed(where: str, head: dict[str, Any], kinds: dict[str, Any]) -> None:
    kind, parts, weights = head["kind"], head.get("parts") or [], head.get("weights") or []
    if kind == "blend" and (not parts or len(parts) != len(weights) or not all(map(math.isfinite, weights))):
        raise ArtifactError(f"{where}: blend {head['name']!r} needs parts and as many finite weights")
    if kind == "two_part" and len(parts) != 3:
        raise ArtifactError(f"{where}: two_part {head['name']!r} needs three parts: sign, gain and loss")
    if kind == "contrast" and (len(parts) != 2 or head.get("link") not in ("logit", "identity")):
        raise ArtifactError(f"{where}: contrast {head['name']!r} needs two parts and the link logit or identity")
    for part in parts:
        if kinds.get(part) not in (
            "lightgbm",
            "linear",
            "scorecard",
            *(["contrast", "blend"] if kind == "blend" else []),
        ):
            raise ArtifactError(
                f"{where}: {kind} {head['name']!r} has part {part!r}, "
                "which is no linear or lightgbm head and no scorecard"
            )


def _kinds_before(heads: list[dict[str, Any]], head: dict[str, Any]) -> dict[str, Any]:
    """Kind of each head that a composed one may use: simple ones anywhere, composed ones listed before it."""
    place = next(j for j, other in enumerate(heads) if other is head)
    return {h["name"]: h.get("kind") for j, h in enumerate(heads) if j < place or h.get("kind") not in COMPOSED_KINDS}


def _check_outputs(where: str, spec: dict[str, Any]) -> None:
    heads = {head["name"] for head in spec["heads"]}
    previous: dict[str, dict[str, Any]] = {}
    for output in spec["outputs"]:
        name, head = output["name"], output.get("head")
        if head not in heads:
            raise ArtifactError(f"{where}: output {name!r} reads head {head!r}: {nearest(str(head), heads)}")
        if output.get("link", "logit") not in LINKS:
            raise ArtifactError(
                f"{where}: output {name!r} has link {output['link']!r}: {nearest(output['link'], LINKS)}"
            )
        margin, log_odds = output.get("knots_margin") or [], output.get("knots_log_odds") or []
        if len(margin) != len(log_odds):
            raise ArtifactError(f"{where}: output {name!r} has {len(margin)} margin knots and {len(log_odds)} log-odds")
        if not (_steps(margin) > 0).all() or not (_steps(log_odds) >= 0).all():
            raise ArtifactError(
                f"{where}: calibration of {name!r} must rise: finite sorted knots, log-odds never falling"
            )
        if output.get("link") == "points":
            _check_points(f"{where}: output {name!r}", output)
            continue
        if head in previous and not _never_below(output, previous[head]):
            raise ArtifactError(
                f"{where}: {name!r} falls below {previous[head]['name']!r} somewhere; "
                "horizons of one head are listed from short to long and never decrease"
            )
        previous[head] = output


def _steps(knots: Sequence[float]) -> np.ndarray:
    """Differences between neighbours; NaN (which no comparison accepts) where a knot is not finite."""
    values = np.asarray(knots, dtype=np.float64)
    return np.diff(values) if np.isfinite(values).all() else np.array([np.nan])


def _never_below(later: dict[str, Any], earlier: dict[str, Any]) -> bool:
    """Compare two piecewise-linear curves where either bends; between those points both are straight."""
    bends = np.union1d(later.get("knots_margin") or [], earlier.get("knots_margin") or [])
    if not len(bends):
        return True
    curves = [np.interp(bends, o["knots_margin"], o["knots_log_odds"]) if o.get("knots_margin") else bends
              for o in (later, earlier)]  # fmt: skip
    return bool((curves[0] >= curves[1] - 1e-9).all())


def check_booster(head: str, text: str, features: list[dict[str, Any]], appended: int = 0) -> None:
    """Refuse a booster whose text cannot be scored and explained exactly from a matrix of doubles.

    Raises
    ------
    ArtifactError
        For native categoricals, ``zero_as_missing``, linear trees, several trees per iteration, averaged output, or
        features that are not those of the spec.
    """
    where = f"booster of head {head!r}"
    preamble = text.split("\nTree=", 1)[0]
    refused = {
        "native categoricals (encode text by levels)": bool(re.search(r"^num_cat=[1-9]", text, re.M)),
        "zero_as_missing (it loses the difference between 0 and missing)": "[zero_as_missing: 1]" in text
        or any(int(d) & 12 == 4 for line in re.findall(r"^decision_type=(.+)$", text, re.M) for d in line.split()),
        "linear trees (they cannot be explained exactly)": bool(re.search(r"^is_linear=1", text, re.M)),
        "several trees per iteration (fit one booster per class)": "num_tree_per_iteration=1\n" not in preamble,
        "averaged output (random forest mode)": "\naverage_output" in preamble,
    }
    for reason, found in refused.items():
        if found:
            raise ArtifactError(f"{where} uses {reason}: it is not supported in a model folder")
    named = re.search(r"^feature_names=(.*)$", preamble, re.M)
    names = named.group(1).split() if named else []
    if len(names) != len(features) + appended:
        listed = f"{len(features)}{f' and appends {appended}' if appended else ''}"
        raise ArtifactError(f"{where} was trained on {len(names)} features, the spec lists {listed}")
    names = names[: len(features)]
    generic = all(name == f"Column_{j}" for j, name in enumerate(names))
    expected = [feature["name"].replace(" ", "_") for feature in features]
    if not generic and names != expected:
        wrong = next(j for j, name in enumerate(names) if name != expected[j])
        raise ArtifactError(
            f"{where}: feature {wrong} is {names[wrong]!r} in the booster and {expected[wrong]!r} in the spec: "
            "list the features in the order of training"
        )
