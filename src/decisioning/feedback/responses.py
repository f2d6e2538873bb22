"""Responses to exported contact lists come back as source data: accepted rows become ``treatments``, others are kept.

Everybody on a list stays in ``treatments``, with or without a row that came back: leaving out who never answered would
turn the effect of an offer into the behaviour of those who liked it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

import numpy as np
import pandas as pd

from ...errors import DataError

KEY = ["campaign_id", "customer_id"]
LIST = [*KEY, "assigned_at", "arm", "propensity", "expires_at"]
DATES = ("delivered_at", "reached_at", "responded_at")
RETURNED = [*KEY, *DATES, "response_value"]
TREATMENT = [*KEY, "assigned_at", "arm", "propensity", *DATES, "response_value"]


@dataclass(frozen=True)
class Accepted:
    """What :func:`accept_responses` found; ``rows_read == accepted + rejected`` holds.

    Attributes
    ----------
    accepted : DataFrame
        Rows of ``treatments``, one per accepted row.
    rejects : DataFrame
        The other rows as they arrived, with ``line`` (1 is the first row that was read) and ``rule``.
    """

    accepted: pd.DataFrame
    rejects: pd.DataFrame


def accept_responses(
    lists: pd.DataFrame, responses: pd.DataFrame, *, received_at: pd.Timestamp, max_amount: float = 1_000_000_000,
    before: pd.DataFrame | None = None,
) -> Accepted:  # fmt: skip
    """Hold rows that came back against the lists that went out; the first broken rule names a reject.

    Parameters
    ----------
    lists : DataFrame
        ``campaign_id, customer_id, assigned_at, arm, propensity, expires_at`` (the last moment at which a response
        counts; missing: none), control included; further columns (``agent_id``, say) are carried along.
    responses : DataFrame
        ``campaign_id, customer_id, delivered_at, reached_at, responded_at, response_value`` as they arrived, as text
        or typed; dates with a zone become UTC.
    received_at : Timestamp
        When the rows came; later dates are refused.
    before : DataFrame, optional
        Rows of ``treatments`` taken in earlier: they fill what a row about the same customer and campaign leaves empty,
        and what it states replaces theirs. Rules judge the row so completed.

    Raises
    ------
    DataError
        If a column is missing, or a list names a customer twice.

    Examples
    --------
    >>> lists = pd.DataFrame({
    ...     "campaign_id": "P1", "customer_id": ["a", "b"], "assigned_at": pd.Timestamp("2026-05-01 09:00"),
    ...     "arm": ["card", "control"], "propensity": 0.5, "expires_at": pd.Timestamp("2026-05-31 09:00")})
    >>> came = pd.DataFrame({
    ...     "campaign_id": "P1", "customer_id": ["a", "b", "c"], "delivered_at": ["2026-05-02", None, None],
    ...     "reached_at": None, "responded_at": ["2026-05-03T10:00:00+02:00", "2026-04-30 12:00", None],
    ...     "response_value": ["12.5", None, None]})
    >>> found = accept_responses(lists, came, received_at=pd.Timestamp("2026-06-01"))
    >>> found.accepted[["customer_id", "arm", "responded_at", "response_value"]].iloc[0].tolist()
    ['a', 'card', Timestamp('2026-05-03 08:00:00'), Decimal('12.50')]
    >>> found.rejects[["line", "customer_id", "rule"]].to_numpy().tolist()
    [[2, 'b', 'responded_before_assigned'], [3, 'c', 'customer_unknown']]
    """
    _need(lists, LIST, "lists")
    _need(responses, RETURNED, "responses")
    _refuse_repeats(lists, "lists")
    arrived = responses[RETURNED].reset_index(drop=True)
    rows = _typed(arrived)
    if before is not None:
        rows = _completed(rows, arrived, _typed(before[RETURNED]))
    sent = lists.drop(columns=[c for c in (*DATES, "response_value") if c in lists])
    sent = sent.assign(**{k: _text(sent[k]) for k in KEY})
    rows = rows.merge(sent, on=KEY, how="left", indicator="listed", validate="many_to_one")
    rule = _first_broken(rows, arrived, sent, pd.Timestamp(received_at), max_amount)
    sound = rule == ""
    rule = np.where(sound & rows[sound].duplicated(KEY).reindex(rows.index, fill_value=False), "key_repeated", rule)
    more = [c for c in sent.columns if c not in (*TREATMENT, "expires_at")]
    accepted = rows.loc[rule == "", [*TREATMENT, *more]].assign(
        response_value=lambda kept: _money(kept["response_value"])
    )
    rejects = arrived[rule != ""].assign(line=np.flatnonzero(rule != "") + 1, rule=rule[rule != ""])
    if len(responses) != len(accepted) + len(rejects):
        raise AssertionError(f"{len(responses)} rows read, {len(accepted)} accepted and {len(rejects)} rejected")
    return Accepted(accepted.reset_index(drop=True), rejects.reset_index(drop=True))


def treatments_of(lists: pd.DataFrame, accepted: pd.DataFrame) -> pd.DataFrame:
    """Spell whole lists as rows of ``treatments``: everybody assigned, with what came back of those who have a row.

    Examples
    --------
    >>> lists = pd.DataFrame({"campaign_id": "P1", "customer_id": ["a", "b"], "assigned_at": pd.Timestamp("2026-05-01"),
    ...                       "arm": "card", "propensity": 0.5, "expires_at": pd.NaT})
    >>> back = lists.head(1).assign(delivered_at=pd.Timestamp("2026-05-02"), reached_at=pd.NaT, responded_at=pd.NaT,
    ...                             response_value=None)
    >>> treatments_of(lists, back)[["customer_id", "delivered_at"]].to_numpy().tolist()
    [['a', Timestamp('2026-05-02 00:00:00')], ['b', NaT]]
    """
    _need(lists, LIST, "lists")
    sent = lists.drop(columns=["expires_at", *(c for c in (*DATES, "response_value") if c in lists)])
    whole = sent.merge(accepted[[*KEY, *DATES, "response_value"]], on=KEY, how="left", validate="one_to_one")
    return whole[[*TREATMENT, *(c for c in sent.columns if c not in TREATMENT)]]


def taken_in_before(treatments: pd.DataFrame) -> pd.DataFrame:
    """Give rows of ``treatments`` that were written to a file the types that they had.

    Raises
    ------
    DataError
        If a column is missing, or a customer of a campaign repeats.

    Examples
    --------
    >>> written = pd.DataFrame({name: [""] for name in TREATMENT}).assign(customer_id="007", propensity="0.5")
    >>> taken_in_before(written)[["customer_id", "propensity", "responded_at"]].to_numpy().tolist()
    [['007', 0.5, NaT]]
    """
    _need(treatments, TREATMENT, "treatments taken in before")
    rows = _typed(treatments)
    _refuse_repeats(rows, "treatments taken in before")
    return rows.assign(
        assigned_at=_moments(rows["assigned_at"]), propensity=_amounts(rows["propensity"]), arm=_text(rows["arm"]),
        response_value=_money(rows["response_value"]),
    )  # fmt: skip


def merged(before: pd.DataFrame, whole: pd.DataFrame, key: Sequence[str] = KEY) -> pd.DataFrame:
    """Put rows over those with the same key that were written before; rows that only the earlier have stay.

    Examples
    --------
    >>> before = pd.DataFrame({"campaign_id": "P1", "customer_id": ["a", "b"], "arm": "card"})
    >>> merged(before, before.tail(1).assign(arm="loan"))[["customer_id", "arm"]].to_numpy().tolist()
    [['a', 'card'], ['b', 'loan']]
    """
    names = list(key)
    alone = before[~pd.MultiIndex.from_frame(before[names]).isin(pd.MultiIndex.from_frame(whole[names]))]
    return pd.concat([alone, whole], ignore_index=True) if len(alone) else whole


def _typed(rows: pd.DataFrame) -> pd.DataFrame:
    """Read ids as text, dates as moments, values as numbers; what cannot be read is missing."""
    return rows.assign(
        **{k: _text(rows[k]) for k in KEY}, **{d: _moments(rows[d]) for d in DATES},
        response_value=_amounts(rows["response_value"]),
    )  # fmt: skip


def _completed(rows: pd.DataFrame, arrived: pd.DataFrame, before: pd.DataFrame) -> pd.DataFrame:
    """Fill what a row leaves empty (not what it states unreadably) from what is known of it."""
    known = rows[KEY].merge(before, on=KEY, how="left", validate="many_to_one")
    told = [*DATES, "response_value"]
    return rows.assign(**{c: rows[c].where(_given(arrived[c]), known[c]) for c in told})


def _need(frame: pd.DataFrame, names: list[str], what: str) -> None:
    lacking = [name for name in names if name not in frame.columns]
    if lacking:
        raise DataError(f"{what}: expected columns {', '.join(names)}, missing {', '.join(lacking)}")


def _refuse_repeats(rows: pd.DataFrame, what: str) -> None:
    repeated = int(rows.duplicated(KEY).sum())
    if repeated:
        raise DataError(f"{what}: {repeated:,} rows repeat a customer of a campaign: expected one row each")


def _text(column: pd.Series) -> pd.Series:
    text = column.astype("str").str.strip()
    return text.where(text != "")


def _given(column: pd.Series) -> pd.Series:
    return _text(column).notna()


def _moments(column: pd.Series) -> pd.Series:
    read = pd.to_datetime(column.where(_given(column)), errors="coerce", utc=True, format="ISO8601")
    return read.dt.tz_localize(None).astype("datetime64[us]")


def _amounts(column: pd.Series) -> pd.Series:
    return pd.to_numeric(column.where(_given(column)).astype(object), errors="coerce").astype(float)


def _money(column: pd.Series) -> pd.Series:
    exact = [None if pd.isna(v) else Decimal(str(v)).quantize(Decimal("0.01")) for v in column]
    return pd.Series(exact, index=column.index, dtype=object)


def _before(moment: pd.Series, reference: pd.Series) -> pd.Series:
    """Tell whether a moment lies before another; a date without time of the same day does not."""
    whole_day = (moment == moment.dt.normalize()) & (moment == reference.dt.normalize())
    return (moment < reference) & ~whole_day


def _first_broken(
    rows: pd.DataFrame, arrived: pd.DataFrame, sent: pd.DataFrame, received_at: pd.Timestamp, max_amount: float
) -> np.ndarray:
    """Name the first rule that each row breaks; empty for a sound one."""
    value = rows["response_value"]
    rules: dict[str, pd.Series] = {f"{k}_missing": rows[k].isna() for k in KEY}
    rules["campaign_unknown"] = ~rows["campaign_id"].isin(sent["campaign_id"])
    rules["customer_unknown"] = ~rows["customer_id"].isin(sent["customer_id"])
    rules["not_on_list"] = rows["listed"] != "both"
    for date in DATES:
        rules[f"{date}_not_a_date"] = _given(arrived[date]) & rows[date].isna()
    rules["response_value_not_a_number"] = _given(arrived["response_value"]) & value.isna()
    rules["response_value_absurd"] = value.abs() > max_amount  # infinite ones, too
    for date in DATES:
        rules[f"{date.removesuffix('_at')}_before_assigned"] = _before(rows[date], rows["assigned_at"])
        rules[f"{date}_in_the_future"] = rows[date] > received_at
    rules["responded_after_expiry"] = rows["responded_at"] > rows["expires_at"]
    rules["value_without_response"] = value.notna() & rows["responded_at"].isna()
    broken = [np.asarray(b.fillna(False), bool) for b in rules.values()]
    return np.select(broken, list(rules), "")
