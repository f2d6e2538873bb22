"""What the promotion-response model learns from: assignments with their outcomes, or a ready table with treatments."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from .. import catalog
from ..errors import DataError, NotApplicable, ParamsError, nearest
from .training import ready_table

KINDS = ("randomised", "targeted", "placebo", "service", "undocumented", "uncontrolled")
KEY = ["campaign_id", "customer_id"]
_OWN = ("treatment", "treated", "propensity")


def promotion_training(
    ready: Mapping[str, Any], kinds: Sequence[str] = ("randomised", "targeted"), min_responses: int = 100
) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Load assignments with their outcomes and say which columns are what.

    Parameters
    ----------
    ready : mapping
        As for :func:`.training.churn_training`, and ``treatment``: the column that says who was treated (1 or 0, or
        any value beside ``treated``, the value that means it); optionally ``propensity``, the column with the
        probability of what was assigned. Empty for the assignments stage.
    kinds : sequence of str
        Kinds of campaigns to learn from (assignments stage only; see
        :func:`afraz.features.assignments.campaign_kinds`).
    min_responses : int
        With fewer responses among the treated, or in the control group, promotion is not applicable to this source (a
        ready table is refused by the fit instead).

    Returns
    -------
    table : DataFrame
        One row per assignment with an outcome; ``treated`` is 1 or 0.
    columns : dict
        Settings for :class:`afraz.models.promotion.settings.PromotionSettings` that say which columns are what. What
        came after the assignment, and the arm, stand in ``extras``: they are no inputs. A ready table's own columns of
        treatment stand in ``drop``.

    Raises
    ------
    NotApplicable
        If the source has no campaigns, none of these kinds has an outcome, or too few responded with or without an
        offer.
    DataError
        If a ready table lacks the treatment column, or one of the two groups.
    ParamsError
        For an unknown kind, or an unknown or missing key of ``ready``.

    Examples
    --------
    >>> promotion_training({}, kinds=["random"])
    Traceback (most recent call last):
    ...
    afraz.errors.ParamsError: kinds: unknown kind of campaign 'random': did you mean randomised?
    """
    for kind in kinds:
        if kind not in KINDS:
            raise ParamsError(f"kinds: unknown kind of campaign {kind!r}: {nearest(kind, KINDS)}")
    if ready:
        return _ready(ready)
    if not catalog.path("assignment_features").exists():
        raise NotApplicable("there are no campaigns in this source, and no ready table is named")
    outcomes = catalog.load("assignment_outcomes").drop(columns=["as_of", "arm"])
    table = catalog.load("assignment_features").merge(outcomes, on=KEY, validate="one_to_one")
    table = table[table["kind"].isin(list(kinds)) & table["responded"].notna()]
    _check_groups(table, kinds, min_responses)
    table = table.assign(
        as_of=pd.to_datetime(table["as_of"]), treated=table["treated"].astype("int64"),
        responded=table["responded"].astype("int64"),
    ).reset_index(drop=True)  # fmt: skip
    known = ("responded", "treated", "net_value", "closed_after")
    aside = [c for c in outcomes.columns if c not in (*KEY, *known)]
    return table, {
        "label": "responded", "treatment": "treated", "propensity": "propensity", "id": "customer_id",
        "as_of": "as_of", "block": "campaign_id", "value": "net_value", "closing": "closed_after",
        "extras": ["arm", "kind", *aside],
    }  # fmt: skip


def _check_groups(table: pd.DataFrame, kinds: Sequence[str], min_responses: int) -> None:
    if table.empty:
        raise NotApplicable(
            f"no campaign of kind {' or '.join(kinds)} has an outcome: effects are learned from campaigns with a "
            "control group and known chances (see kind in the assignments stage), whose response window is over"
        )
    for treated, name in ((1, "treated customers"), (0, "customers of control groups")):
        group = table.loc[table["treated"] == treated, "responded"]
        if group.sum() < min_responses:
            raise NotApplicable(
                f"{int(group.sum()):,} of {len(group):,} {name} responded, at least {min_responses:,} responses are "
                "needed: wait for windows to end, or for another campaign with a control group"
            )


def _ready(ready: Mapping[str, Any]) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Read a ready table, and spell its treatment column as ``treated`` (1 or 0)."""
    own = {key: ready[key] for key in _OWN if ready.get(key) is not None}
    if "treatment" not in own:
        raise ParamsError("table: treatment is missing: a ready table of promotion needs the column of the treatment")
    table, columns = ready_table({key: value for key, value in ready.items() if key not in _OWN})
    for name in (own["treatment"], *([own["propensity"]] if "propensity" in own else [])):
        if name not in table:
            raise DataError(f"the ready table has no column {name!r}: {nearest(str(name), map(str, table.columns))}")
    if own["treatment"] != "treated" and "treated" in table:
        raise DataError(f"the ready table has a column 'treated' beside {own['treatment']!r}: rename one of them")
    given = table[own["treatment"]]
    if "treated" in own:
        treated = (given.astype(str) == str(own["treated"])).astype("int64")
    elif set(given.unique()) <= {0, 1}:
        treated = given.astype("int64")
    else:
        raise DataError(
            f"{own['treatment']!r} holds {', '.join(map(str, sorted(map(str, given.unique()))[:5]))}: expected 1 and "
            "0, or name in table.treated the value that means treated"
        )
    if given.isna().any() or treated.nunique() < 2:
        raise DataError(
            f"{own['treatment']!r}: {int(treated.sum()):,} of {len(treated):,} rows are treated, "
            f"{int(given.isna().sum()):,} are missing: effects need both groups, and every row in one of them"
        )
    aside = [] if own["treatment"] == "treated" else [own["treatment"]]
    settings = {"treatment": "treated", "propensity": own.get("propensity"), "drop": [*columns.get("drop", []), *aside]}
    return table.assign(treated=treated), {**columns, **settings}
