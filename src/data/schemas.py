"""The canonical tables: columns, types, keys, references, and the date that makes each value known.

Types are logical: ``string``, ``timestamp`` (microseconds, UTC, stored without zone), ``date``, ``money``
(DECIMAL(18,2)), ``integer`` (int64), ``float`` (double), ``boolean``.
"""

from dataclasses import dataclass
from typing import Literal

from ..datasets import CATALOG

CONTROL = "control"  # the arm of a campaign that got nothing
DataType = Literal["string", "timestamp", "date", "money", "integer", "float", "boolean"]


@dataclass(frozen=True)
class Column:
    """One column of a canonical table.

    ``known_by`` names the columns of the same row whose first non-missing value is the moment at which this value
    becomes known (default: the row's own event time); ``lag_days`` is added to it. ``undated`` marks a value that
    may be overwritten without a trace, so that it cannot be used as of a past date unless that is waived.
    """

    name: str
    type: DataType
    required: bool = False
    known_by: tuple[str, ...] = ()
    lag_days: int = 0
    undated: bool = False
    values: tuple[str, ...] = ()
    references: str | None = None


@dataclass(frozen=True)
class Table:
    """A canonical table; ``event_time`` is the column that dates a row (None: the table is undated)."""

    name: str
    columns: tuple[Column, ...]
    event_time: str | None
    mandatory: bool = False

    @property
    def key(self) -> tuple[str, ...]:
        return CATALOG[self.name].key

    def column(self, name: str) -> Column:
        return next(c for c in self.columns if c.name == name)

    @property
    def names(self) -> list[str]:
        return [c.name for c in self.columns]


def _c(name: str, type: DataType, **more: object) -> Column:
    return Column(name, type, **more)  # type: ignore[arg-type]


def _own(name: str, type: DataType = "timestamp") -> Column:
    """A date that is known from the moment that it names."""
    return Column(name, type, known_by=(name,))


KNOWN_AT = _c("known_at", "timestamp")
CUSTOMER = _c("customer_id", "string", required=True, references="customers")
ACCOUNT = _c("account_id", "string", references="accounts")
_DECIDED = ("granted_at", "applied_at")

PRODUCTS = ("current", "savings", "term_deposit", "credit_card", "loan", "insurance", "mortgage", "investment")
KINDS = (
    "purchase", "cash_withdrawal", "cash_deposit", "transfer_in", "transfer_out",
    "salary", "fee", "interest", "loan_payment", "refund",
)  # fmt: skip
CHANNELS = ("pos", "atm", "internet", "mobile", "branch", "phone", "automatic")

TABLES: dict[str, Table] = {
    t.name: t
    for t in (
        Table("customers", (
            _c("customer_id", "string", required=True),
            _c("birth_date", "date"),
            _c("gender", "string", undated=True),
            _c("education", "string", undated=True),
            _c("occupation", "string", undated=True),
            _c("marital_status", "string", undated=True),
            _c("region_id", "string", undated=True, references="regions"),
            _c("branch_id", "string", undated=True),
            _c("joined_at", "timestamp"),
            _c("marketing_consent", "boolean", undated=True),
        ), event_time="joined_at", mandatory=True),
        Table("regions", (
            _c("region_id", "string", required=True),
            _c("name", "string"),
            _c("population", "integer", undated=True),
            _c("urban_share", "float", undated=True),
            _c("average_income", "float", undated=True),
            _c("unemployment_rate", "float", undated=True),
        ), event_time=None),
        Table("accounts", (
            _c("account_id", "string", required=True),
            CUSTOMER,
            _c("product", "string", values=PRODUCTS),
            _c("opened_at", "timestamp", required=True),
            _own("closed_at"),
            _c("credit_limit", "money", undated=True),
        ), event_time="opened_at"),
        Table("transactions", (
            _c("transaction_id", "string", required=True),
            CUSTOMER,
            ACCOUNT,
            _c("booked_at", "timestamp", required=True),
            _c("amount", "money", required=True),
            _c("margin", "money"),
            _c("kind", "string", values=KINDS),
            _c("channel", "string", values=CHANNELS),
            _c("category", "string"),
            _c("branch_id", "string"),
            KNOWN_AT,
        ), event_time="booked_at", mandatory=True),
        Table("loans", (
            _c("loan_id", "string", required=True),
            CUSTOMER,
            _c("applied_at", "timestamp", required=True),
            _c("purpose", "string"),
            _c("amount", "money", required=True),
            _c("term_months", "integer"),
            _c("monthly_payment", "money"),
            _c("collateral_value", "money"),
            _c("policy_score", "float"),
            _c("decision", "string", values=("granted", "declined", "withdrawn"), known_by=_DECIDED),
            _c("override_reason", "string", known_by=_DECIDED),
            _c("granted_at_random", "boolean", known_by=_DECIDED),
            _own("granted_at"),
            _own("defaulted_at"),
            _own("closed_at"),
        ), event_time="applied_at"),
        Table("loan_months", (
            _c("loan_id", "string", required=True, references="loans"),
            _c("month_end", "timestamp", required=True),
            _c("balance", "money"),
            _c("days_past_due", "integer"),
            KNOWN_AT,
        ), event_time="month_end"),
        Table("recoveries", (
            _c("loan_id", "string", required=True, references="loans"),
            _c("received_at", "timestamp", required=True),
            _c("amount", "money", required=True),
            KNOWN_AT,
        ), event_time="received_at"),
        Table("contacts", (
            _c("contact_id", "string", required=True),
            CUSTOMER,
            _c("started_at", "timestamp", required=True),
            _c("direction", "string", values=("inbound", "outbound")),
            _c("channel", "string"),
            _c("topic", "string"),
            _c("wait_seconds", "float"),
            _c("duration_seconds", "float"),
            _c("agent_id", "string"),
            _c("resolved", "boolean", lag_days=1),
            _c("satisfaction", "integer", lag_days=1),
            KNOWN_AT,
        ), event_time="started_at"),
        Table("campaigns", (
            _c("campaign_id", "string", required=True),
            _c("name", "string"),
            _c("offer", "string"),
            _c("channel", "string"),
            _c("starts_at", "timestamp", required=True),
            _c("ends_at", "timestamp"),
            _c("contact_cost", "money"),
            _c("offer_cost", "money"),
            _c("response_window_days", "integer"),
        ), event_time="starts_at"),
        Table("treatments", (
            _c("campaign_id", "string", required=True, references="campaigns"),
            CUSTOMER,
            _c("assigned_at", "timestamp", required=True),
            _c("arm", "string"),
            _c("propensity", "float"),
            _c("agent_id", "string"),  # on whose list the customer was put, before anybody was contacted
            _own("delivered_at"),
            _own("reached_at"),
            _own("responded_at"),
            _c("response_value", "money", known_by=("responded_at",)),
        ), event_time="assigned_at"),
        Table("surveys", (
            _c("survey_id", "string", required=True),
            CUSTOMER,
            _c("answered_at", "timestamp", required=True),
            _c("nps", "integer"),
            _c("satisfaction", "integer"),
            _c("price_sensitivity", "float"),
            _c("wants", "string"),
            KNOWN_AT,
        ), event_time="answered_at"),
    )
}  # fmt: skip
