"""Who is set apart so that decisions can be measured: a lasting holdout, an exploration, a control per campaign.

Every strip is drawn by a keyed hash of the customer_id, each under a key of its own: who is in it depends on nothing
but customer and key, not on the order of rows, on other customers or on the other strips. The holdout has one key for
all time, so the same customers stay out for years; exploration and controls are drawn anew in every round.

``propensity`` is the probability with which the design gave a customer its arm, among those who had that draw:

* holdout: the share of the holdout; its counterpart is everybody else, with one minus that share;
* exploration: one over the offers that the customer could get (nothing is one of them); then
  ``channel_propensity`` is one over the channels by which that offer could be made;
* control and decided: the share withheld from the campaign, and one minus that share.

What an optimised list offers whom is no draw. Only exploration tells what *another* offer would have done
(:func:`random_rows`); decided against control tells what this offer did to those whom the list chose.
"""

import hashlib
from collections.abc import Iterable

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..data.schemas import CONTROL
from ..errors import DataError, ParamsError
from .power import Power, control_size

HOLDOUT, EXPLORATION, DECIDED = "holdout", "exploration", "decided"
NOTHING = "nothing"
STRIP = ("strip", "arm", "propensity", "channel_propensity")


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


def explore(options: pd.DataFrame, strips: pd.DataFrame, round_key: str) -> pd.DataFrame:
    """Draw for every customer of the exploration an eligible offer or nothing, with equal chances; then a channel.

    Parameters
    ----------
    options : DataFrame
        Eligible options: ``customer_id, offer, channel`` and more.
    strips : DataFrame
        From :func:`set_apart`.

    Returns
    -------
    DataFrame
        One row per explored customer with at least one option: the columns of ``options`` of the one drawn (missing
        where it is nothing), ``strip, arm, propensity, channel_propensity``; ``arm`` is the offer, or ``nothing``.
    """
    explored = strips.loc[strips["strip"].eq(EXPLORATION), "customer_id"]
    rows = options[options["customer_id"].isin(explored)].sort_values(
        ["customer_id", "offer", "channel"], kind="stable"
    )
    offers = rows.groupby(["customer_id", "offer"], sort=True).size().rename("channels").reset_index()
    by = offers.groupby("customer_id", sort=True)
    drawn = pd.DataFrame({"offers": by.size()}).reset_index()
    place = (draw(drawn["customer_id"], f"offer/{round_key}") * (drawn["offers"] + 1)).astype(int)
    offers["place"] = by.cumcount()
    drawn = drawn.assign(place=place).merge(offers, how="left", on=["customer_id", "place"], validate="1:1")
    nothing = drawn["offer"].isna()
    channels = drawn["channels"].fillna(1)
    drawn["way"] = (draw(drawn["customer_id"], f"channel/{round_key}") * channels).astype(int)
    rows = rows.assign(way=rows.groupby(["customer_id", "offer"]).cumcount())
    found = drawn[["customer_id", "offer", "way"]].merge(rows, how="left", on=["customer_id", "offer", "way"])
    return found.drop(columns="way")[list(options)].assign(
        strip=EXPLORATION, arm=drawn["offer"].astype("str").mask(nothing, NOTHING),
        propensity=1 / (drawn["offers"] + 1), channel_propensity=1 / channels,
    )  # fmt: skip


def control_groups(
    assigned: pd.DataFrame, wanted: Power, round_key: str, by_campaign: dict[str, Power] | None = None
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Withhold from each campaign a control group of the size that its effect needs.

    Parameters
    ----------
    assigned : DataFrame
        What was decided: ``campaign_id, customer_id`` and more; holdout and exploration are not in it.
    wanted : Power
        What every campaign should be able to show, unless ``by_campaign`` says otherwise.

    Returns
    -------
    rows : DataFrame
        As given, with ``strip`` (control or decided), ``arm`` (control or the offer) and ``propensity``.
    sizes : DataFrame
        ``campaign_id, rows, control, share, power, measurable, said``.

    Raises
    ------
    DataError
        If a customer repeats within a campaign.
    """
    repeated = int(assigned.duplicated(["campaign_id", "customer_id"]).sum())
    if repeated:
        raise DataError(f"{repeated} rows repeat customer and campaign: a customer gets a campaign once")
    parts, sizes = [], []
    for campaign, rows in assigned.groupby("campaign_id", sort=True):
        size = control_size(len(rows), (by_campaign or {}).get(str(campaign), wanted))
        order = np.argsort(draw(rows["customer_id"], f"{CONTROL}/{campaign}/{round_key}"), kind="stable")
        withheld = np.zeros(len(rows), dtype=bool)
        withheld[order[: size.control]] = True
        share = size.control / len(rows)
        parts.append(rows.assign(
            strip=np.where(withheld, CONTROL, DECIDED), arm=rows["offer"].astype("str").mask(withheld, CONTROL),
            propensity=np.where(withheld, share, 1 - share), channel_propensity=1.0,
        ))  # fmt: skip
        sizes.append({"campaign_id": campaign, "rows": size.rows, "control": size.control, "share": share,
                      "power": size.power, "measurable": size.measurable, "said": size.said})  # fmt: skip
    columns = ["campaign_id", "rows", "control", "share", "power", "measurable", "said"]
    if not parts:
        return assigned.assign(**{name: pd.Series(dtype=object) for name in STRIP}), pd.DataFrame(columns=columns)
    return pd.concat(parts).loc[assigned.index], pd.DataFrame(sizes, columns=columns)


def random_rows(rows: pd.DataFrame) -> pd.DataFrame:
    """Keep the rows whose offer was drawn: the only ones that off-policy estimates may use.

    Raises
    ------
    DataError
        If a propensity of theirs is not above 0 and below 1.
    """
    drawn = rows[rows["strip"].eq(EXPLORATION)]
    wrong = int((~drawn["propensity"].between(0, 1, inclusive="neither")).sum())
    if wrong:
        raise DataError(f"{wrong} explored rows have no propensity between 0 and 1: take them from strips.explore")
    return drawn
