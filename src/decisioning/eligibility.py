"""Who may be offered what, by which channel: every option passes all rules, or is refused in words by the first."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ..errors import DataError, NotApplicable
from .limits import Limits, check_offers
from .rules import (
    Rule,
    arrears,
    consent,
    contact_pressure,
    default_probability,
    departed,
    exclusion,
    open_campaign,
    open_contact,
    planned_contact,
)

OPTION = ("customer_id", "offer", "channel")


@dataclass(frozen=True)
class Eligibility:
    """Options with what was decided on them.

    Attributes
    ----------
    options : DataFrame
        As given, with ``eligible``, and where it is not, ``rule`` and ``reason``: the first that stands against it.
    counts : DataFrame
        ``rule, options, customers``: what was eligible, what each rule refused as the first.
    not_applicable : dict
        Rule → why it could not be asked.
    """

    options: pd.DataFrame
    counts: pd.DataFrame
    not_applicable: dict[str, str]

    @property
    def eligible(self) -> pd.DataFrame:
        """The options that passed, without the columns of the verdict."""
        passed = self.options[self.options["eligible"]]
        return passed.drop(columns=["eligible", "rule", "reason"]).reset_index(drop=True)

    @property
    def refused(self) -> pd.DataFrame:
        """The options that did not pass, with rule and reason."""
        return self.options[~self.options["eligible"]].drop(columns="eligible").reset_index(drop=True)


def all_options(customer_ids: pd.Series, channels: Mapping[str, Sequence[str]]) -> pd.DataFrame:
    """Cross customers with the offers and the channels by which each can be made.

    Examples
    --------
    >>> all_options(pd.Series(["C1"]), {"fee_waiver": ["email", "sms"]}).to_dict("list")
    {'customer_id': ['C1', 'C1'], 'offer': ['fee_waiver', 'fee_waiver'], 'channel': ['email', 'sms']}
    """
    pairs = pd.DataFrame([(offer, way) for offer, ways in channels.items() for way in ways], columns=list(OPTION[1:]))
    ids = pd.DataFrame({"customer_id": customer_ids.sort_values(kind="stable").to_numpy()})
    return ids.merge(pairs, how="cross")


def judge(
    options: pd.DataFrame, customers: pd.DataFrame, as_of: dt.date, limits: Limits, *,
    treatments: pd.DataFrame | None = None, campaigns: pd.DataFrame | None = None,
    contacts: pd.DataFrame | None = None, loans: pd.DataFrame | None = None, loan_months: pd.DataFrame | None = None,
    accounts: pd.DataFrame | None = None, probabilities: pd.DataFrame | None = None,
    exclusions: pd.DataFrame | None = None, planned: pd.DataFrame | None = None,
) -> Eligibility:  # fmt: skip
    """Hold every option against the rules: exclusion, departure, consent, what is running, pressure, arrears, default.

    Parameters
    ----------
    options : DataFrame
        ``customer_id, offer, channel``, each option once; other columns are kept.
    customers : DataFrame
        Canonical customers.
    treatments, campaigns, contacts, loans, loan_months, accounts : DataFrame, optional
        Canonical tables; a rule whose table is absent is not applicable, which is listed.
    probabilities : DataFrame, optional
        ``customer_id, default_probability``; of several rows of a customer the highest counts.
    exclusions : DataFrame, optional
        As :func:`afraz.decisioning.exclusions.checked_exclusions` returns them.
    planned : DataFrame, optional
        Contacts of earlier rounds, as :func:`afraz.decisioning.rounds.earlier_contacts` returns them.

    Returns
    -------
    Eligibility

    Raises
    ------
    DataError
        If an option, a customer or a campaign repeats, or an option names a customer who is unknown.
    ParamsError
        If the limits name an offer that neither the options nor the campaigns know.

    Examples
    --------
    >>> customers = pd.DataFrame({"customer_id": ["C1", "C2"], "marketing_consent": [True, False]})
    >>> found = judge(all_options(customers["customer_id"], {"fee_waiver": ["sms"]}), customers,
    ...               dt.date(2026, 7, 1), Limits())
    >>> found.options[["customer_id", "eligible", "reason"]].to_dict("records")[1]
    {'customer_id': 'C2', 'eligible': False, 'reason': 'marketing consent was not given'}
    >>> found.not_applicable["arrears"]
    'no loans'
    """
    _check_options(options, customers)
    for what in ("credit_offers", "service_offers"):
        check_offers(f"limit {what}", getattr(limits, what), options, campaigns)
    asked = {
        "exclusion": lambda: exclusion(exclusions, as_of),
        "departed": lambda: departed(accounts, as_of),
        "consent": lambda: consent(customers, limits),
        "open_contact": lambda: open_contact(contacts, as_of, limits),
        "open_campaign": lambda: open_campaign(treatments, campaigns, as_of, limits),
        "planned_contact": lambda: planned_contact(planned, treatments, as_of),
        "contact_pressure": lambda: contact_pressure(treatments, contacts, as_of, limits),
        "arrears": lambda: arrears(loans, loan_months, as_of, limits),
        "default_probability": lambda: default_probability(customers, probabilities, limits),
    }
    rules, not_applicable = [], {}
    for name, build in asked.items():
        try:
            rules.append(build())
        except NotApplicable as absent:
            not_applicable[name] = str(absent)
    judged = _first_refusals(options, rules)
    return Eligibility(judged, _counts(judged, rules), not_applicable)


def _check_options(options: pd.DataFrame, customers: pd.DataFrame) -> None:
    repeated = int(options.duplicated(list(OPTION)).sum())
    if repeated:
        raise DataError(f"{repeated} options repeat customer, offer and channel: each is judged once")
    twice = customers.loc[customers["customer_id"].duplicated(), "customer_id"]
    if len(twice):
        raise DataError(f"{twice.nunique()} customers repeat in customers, {twice.iloc[0]!r} among them: "
                        "each has one row")  # fmt: skip
    strangers = options.loc[~options["customer_id"].isin(customers["customer_id"]), "customer_id"]
    if len(strangers):
        raise DataError(f"{strangers.nunique()} customers of the options are not in customers, "
                        f"{strangers.iloc[0]!r} among them: build options from the same table")  # fmt: skip


def _first_refusals(options: pd.DataFrame, rules: list[Rule]) -> pd.DataFrame:
    """Ask each rule once per customer, not per option: a bank has millions of options."""
    codes, customers = pd.factorize(options["customer_id"])
    offer_codes, offers = pd.factorize(options["offer"])
    by = np.full(len(options), None, dtype=object)
    reasons, free = by.copy(), np.ones(len(options), dtype=bool)
    for rule in rules:
        words = rule.words.reindex(customers).to_numpy(dtype=object)
        concerned = np.array([rule.concerns(offer) for offer in offers], dtype=bool)
        hit = free & pd.notna(words)[codes] & concerned[offer_codes]
        by[hit], reasons[hit] = rule.name, words[codes[hit]]
        free &= ~hit
    return options.assign(eligible=free, rule=by, reason=reasons)


def _counts(judged: pd.DataFrame, rules: list[Rule]) -> pd.DataFrame:
    named = judged["rule"].where(~judged["eligible"], "eligible")
    by = judged.groupby(named)["customer_id"].agg(options="size", customers="nunique")
    counts = by.reindex(["eligible", *(rule.name for rule in rules)], fill_value=0).rename_axis("rule").reset_index()
    assert counts["options"].sum() == len(judged), "every option is either eligible or refused by a rule"
    return counts
