"""Who is set apart so that decisions can be measured: a lasting holdout, an exploration, a control per campaign.

Every strip is drawn by a keyed hash of the customer_id, each under a key of its own: who is in it depends on nothing
but customer and key, not on the order of rows, on other customers or on the other strips. The holdout has one key for
all time, so the same customers stay out for years; exploration and controls are drawn anew in every round.

``propensity`` is the probability with which the design gave a customer its arm, among those who had that draw:

* holdout: the share of the holdout; its counterpart is everybody else, with one minus that share;
* exploration: the chance of being made the offer that was drawn, or left as its control (:mod:`.exploration`); then
  ``option_propensity`` is the chance with which that offer and channel were drawn;
* control and decided: the share withheld from the campaign, and one minus that share.

What an optimised list offers whom is no draw. Only exploration tells what *another* offer would have done
(:func:`.exploration.random_rows`); decided against control tells what this offer did to those whom the list chose.
"""

import hashlib
from collections.abc import Iterable, Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..data.schemas import CONTROL
from ..errors import DataError, ParamsError
from .power import Power, control_size, shown_by

HOLDOUT, EXPLORATION, DECIDED = "holdout", "exploration", "decided"
STRIP = ("strip", "arm", "propensity", "option_propensity")


def draw(ids: Iterable[str], key: str) -> NDArray[np.float64]:
    """Give each customer a number in [0, 1) that depends on the id and the key alone (BLAKE2b, keyed).

    Examples
    --------
    >>> draw(["C1", "C2"], "holdout").round(4).tolist()
    [0.0508, 0.3398]
    >>> draw(["C2"], "holdout").round(4).tolist()
    [0.3398]
    """
    secret = hashlib.blake2b(key.encode(), digest_size=32).digest()
    whole = b"".join(hashlib.blake2b(str(i).encode(), digest_size=8, key=secret).digest() for i in ids)
    return (np.frombuffer(whole, dtype=">u8") >> np.uint64(11)) / float(2**53)


def set_apart(
    customer_ids: pd.Series, *, holdout: float, exploration: float, round_key: str, holdout_key: str = HOLDOUT
) -> pd.DataFrame:
    """Draw the holdout, and from everybody else the customers of this round's exploration.

    Parameters
    ----------
    customer_ids : Series
        All customers, also those who cannot be offered anything: a holdout is a share of the bank.
    holdout, exploration : float
        Shares: of all customers, and of those outside the holdout.
    round_key : str
        Names the round (its date and seed, say): another key, another exploration.
    holdout_key : str
        Never changes while the holdout is in use.

    Returns
    -------
    DataFrame
        ``customer_id, strip, share``: ``share`` is the probability of being in that strip; ordered by customer.

    Raises
    ------
    ParamsError
        For a share outside [0, 1).
    DataError
        If a customer repeats.

    Examples
    --------
    >>> ids = pd.Series([f"C{i}" for i in range(10_000)])
    >>> strips = set_apart(ids, holdout=0.02, exploration=0.05, round_key="2026-07-01/7")
    >>> strips["strip"].value_counts().to_dict()
    {'decided': 9261, 'exploration': 521, 'holdout': 218}
    >>> set_apart(ids, holdout=2, exploration=0.05, round_key="x")
    Traceback (most recent call last):
    ...
    afraz.errors.ParamsError: strips: holdout is a share of at least 0 and less than 1, not 2
    """
    for name, share in (("holdout", holdout), ("exploration", exploration)):
        if not 0 <= share < 1:
            raise ParamsError(f"strips: {name} is a share of at least 0 and less than 1, not {share}")
    if customer_ids.duplicated().any():
        raise DataError(f"strips: {int(customer_ids.duplicated().sum())} customers repeat: give each of them once")
    ids = customer_ids.sort_values(kind="stable").reset_index(drop=True)
    out = draw(ids, holdout_key) < holdout
    explored = ~out & (draw(ids, f"{EXPLORATION}/{round_key}") < exploration)
    shares = [holdout, (1 - holdout) * exploration]
    return pd.DataFrame({
        "customer_id": ids, "strip": np.select([out, explored], [HOLDOUT, EXPLORATION], DECIDED),
        "share": np.select([out, explored], shares, (1 - holdout) * (1 - exploration)),
    })  # fmt: skip


def control_groups(
    assigned: pd.DataFrame, wanted: Power, round_key: str, shares: Mapping[str, float] | None = None
) -> pd.DataFrame:
    """Withhold from each campaign a control group of the size that its effect needs.

    Parameters
    ----------
    assigned : DataFrame
        What was decided: ``campaign_id, customer_id`` and more; holdout and exploration are not in it.
    wanted : Power
        What every campaign should be able to show.
    shares : mapping, optional
        Campaigns that were drawn before and get more customers: each of them is withheld with that probability, so that
        all of the campaign had the same.

    Returns
    -------
    DataFrame
        As given, with ``strip`` (control or decided), ``arm`` (control or the offer) and ``propensity``.

    Raises
    ------
    DataError
        If a customer repeats within a campaign.
    """
    repeated = int(assigned.duplicated(["campaign_id", "customer_id"]).sum())
    if repeated:
        raise DataError(f"{repeated} rows repeat customer and campaign: a customer gets a campaign once")
    parts = []
    for name, rows in assigned.groupby("campaign_id", sort=True):
        campaign = str(name)
        lots = draw(rows["customer_id"], f"{CONTROL}/{campaign}/{round_key}")
        share = (shares or {}).get(campaign)
        if share is None:
            size = control_size(len(rows), wanted).control
            share, withheld = size / len(rows), np.argsort(np.argsort(lots, kind="stable"), kind="stable") < size
        else:
            withheld = lots < share
        parts.append(rows.assign(
            strip=np.where(withheld, CONTROL, DECIDED), arm=rows["offer"].astype("str").mask(withheld, CONTROL),
            propensity=np.where(withheld, share, 1 - share), option_propensity=1.0,
        ))  # fmt: skip
    if not parts:
        return assigned.assign(**{name: pd.Series(dtype=object) for name in STRIP})
    return pd.concat(parts).loc[assigned.index]


def control_sizes(rows: pd.DataFrame, wanted: Power) -> pd.DataFrame:
    """Say of each campaign how many are withheld and what that can show.

    Parameters
    ----------
    rows : DataFrame
        From :func:`control_groups`.

    Returns
    -------
    DataFrame
        ``campaign_id, rows, control, share, power, measurable, said``; ``share`` is the probability of being withheld.
    """
    sizes = []
    for name, each in rows.groupby("campaign_id", sort=True):
        withheld = each["arm"].eq(CONTROL)
        size = shown_by(len(each), int(withheld.sum()), wanted)
        share = each["propensity"].where(withheld, 1 - each["propensity"]).mean()
        sizes.append({"campaign_id": name, "rows": size.rows, "control": size.control, "share": share,
                      "power": size.power, "measurable": size.measurable, "said": size.said})  # fmt: skip
    return pd.DataFrame(sizes, columns=["campaign_id", "rows", "control", "share", "power", "measurable", "said"])
