"""The reports put together: what was gathered becomes one folder of pages."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pandas as pd

from ..reports.document import Document, Facts, Section, Text
from ..reports.site.campaigns import branches_document, effects_document, execution_document
from ..reports.site.operations import changes_document, lists_document, results_document
from ..reports.site.outlook import by_group, grades_of, income_document, retention_document, risk_document
from ..reports.site.segments import segments_document
from ..reports.site.site import Site, SitePage
from .report_inputs import Gathered

WORDS = {
    "contact_list": "Contact list", "proactive": "Calls in idle hours", "quality": "Quality of service",
    "risk_units": "Risk by unit", "risk_lights": "Limits of risk", "risk_changes": "Changes of risk",
    "value_scores": "Scores of value",
    "value_manifest": "Expected income in total", "churn_scores": "Scores of leaving",
    "credit_book": "Running loans", "campaigns": "Campaigns", "verdicts": "Effects of campaigns", "surveys": "Surveys",
    "performance": "How scores held against what came",
}  # fmt: skip

MONEY = {f"management/{page}.html" for page in ("index", "income", "retention", "risk", "campaigns", "branches")}
MONEY.add("operations/index.html")


def build_site(
    found: Gathered, week: Mapping[str, pd.DataFrame], before: tuple[pd.DataFrame | None, str], *, as_of: str,
    currency: str, smallest: int, days: int, list_week: int,
) -> Site:  # fmt: skip
    """Build the pages for management (groups only) and for operations (their lists).

    Parameters
    ----------
    week : mapping of DataFrame
        From :func:`.report_inputs.worked`.
    before : DataFrame or None, str
        From :func:`.report_inputs.previous_list`.
    currency : str
        ISO 4217 code of all money.
    smallest : int
        Groups of fewer customers are hidden from management.
    list_week : int
        Week of the round whose list is shown.
    """
    frames, absent = found.frames, found.absent
    management = _management(found, week, as_of=as_of, smallest=smallest)
    contacts = frames.get("contact_list")
    operations = [
        SitePage("operations/index.html", "This week's lists",
                 lists_document(contacts, frames.get("proactive"), absent, as_of=as_of, week=list_week,
                                apart=found.values.get("apart", ()))),
        SitePage("operations/changes.html", "What changed", changes_document(contacts, *before, absent, list_week)),
        SitePage("operations/results.html", "Results",
                 results_document(week, _reason(absent, "campaigns"), days=days)),
    ]  # fmt: skip
    pages = [_in_currency(page, currency) if page.place in MONEY else page for page in (*management, *operations)]
    return Site([SitePage("index.html", "Start", start(found, before, as_of)), *pages])


def _in_currency(page: SitePage, currency: str) -> SitePage:
    told = replace(page.document, lead=f"{page.document.lead} Money is in {currency}.")
    return replace(page, document=told)


def _reason(absent: Mapping[str, str], name: str) -> str:
    return absent.get(name, "not there")


def _management(
    found: Gathered, week: Mapping[str, pd.DataFrame], *, as_of: str, smallest: int
) -> list[SitePage]:  # fmt: skip
    frames, absent, lenses = found.frames, found.absent, found.values["lenses"]
    value, churn, customers = frames.get("value_scores"), frames.get("churn_scores"), frames["customers"]
    groups = by_group(customers, lenses, value, churn, smallest)
    branches = by_group(customers.rename(columns={"branch_id": "branch"}), ["branch"], value, churn, smallest)
    phases = pd.DataFrame()
    if churn is not None and "phase" in churn:
        phases = by_group(churn[["customer_id", "phase"]], ["phase"], None, churn, smallest)
    documents = {
        "index": ("Segments", segments_document(frames["history"], frames["bookings"], groups, lenses, as_of=as_of,
                                                smallest=smallest, answered=found.values.get("answered", {}))),
        "income": ("Income", income_document(groups, found.values.get("value_manifest"),
                                             _reason(absent, "value_manifest"), as_of=as_of)),
        "retention": ("Retention", retention_document(
            groups, phases, _reason(absent, "churn_scores"), as_of=as_of, smallest=smallest,
            performance=frames.get("performance"))),
        "risk": ("Risk", risk_document(frames.get("risk_units"), frames.get("risk_lights"), frames.get("risk_changes"),
                                       grades_of(frames["credit_book"], smallest) if "credit_book" in frames else None,
                                       _reason(absent, "risk_units"), as_of=as_of)),
        "campaigns": ("Campaigns", effects_document(frames.get("verdicts"), frames.get("campaigns"),
                                                    _reason(absent, "verdicts"), smallest=smallest)),
        "execution": ("Execution", execution_document(frames.get("campaigns"), week, _reason(absent, "campaigns"),
                                                      smallest=smallest)),
        "branches": ("Branches", branches_document(branches, _answers(frames, as_of), frames.get("quality"), absent,
                                                   as_of=as_of, smallest=smallest)),
    }  # fmt: skip
    return [SitePage(f"management/{file}.html", name, document) for file, (name, document) in documents.items()]


def _answers(frames: Mapping[str, pd.DataFrame], as_of: str) -> pd.DataFrame | None:
    if "surveys" not in frames:
        return None
    surveys, end = frames["surveys"], pd.Timestamp(as_of)
    known = surveys["known_at"].fillna(surveys["answered_at"]) if "known_at" in surveys else surveys["answered_at"]
    recent = surveys[
        (surveys["answered_at"] < end) & (known <= end) & (surveys["answered_at"] >= end - pd.DateOffset(years=1))
    ]
    return recent.merge(frames["customers"][["customer_id", "branch_id"]], on="customer_id")


def start(found: Gathered, before: tuple[pd.DataFrame | None, str], as_of: str) -> Document:
    """Say what there is, for whom, and what is not there and why."""
    about = [
        Text("Management: segments, income, retention, risk, campaigns, execution, branches. Groups only: nothing "
             "there identifies a customer. Operations: lists that name customers, for those who make the contacts."),
        Text("The two are folders of their own, so that each can be shared with its readers alone."),
    ]  # fmt: skip
    missing = {WORDS.get(name, name): reason for name, reason in sorted(found.absent.items())}
    if before[0] is None:
        missing["List of the round before"] = before[1]
    gone = Facts.of(missing) if missing else Text("Everything is there.")
    return Document("Reports", f"As of {as_of}: what was known before that day.", [
        Section("pages", "What there is", about), Section("absent", "What is not there, and why", [gone]),
    ])  # fmt: skip


def summary(site: Site, found: Gathered) -> dict[str, Any]:
    """Say in plain values what was written."""
    listings = [each for page in site.pages for each in page.listings]
    return {"pages": len(site.pages), "tables": len(listings), "rows": sum(len(each.frame) for each in listings),
            "absent": found.absent}  # fmt: skip
