"""Applications for a loan: what was asked for, beside what was known of the applicant on that day."""

from collections.abc import Callable, Sequence

import ibis
import ibis.expr.types as ir

from ..data.schemas import TABLES
from ..errors import DataError, NotApplicable
from .feature import Feature, Sign, share
from .table import build_features

FAMILY = "application"


def _feature(
    name: str, meaning: str, unit: str, how: Callable[..., ir.Value], low: str, high: str, sign: Sign = 0, *needs: str
) -> Feature:
    """Signs are about default: 1 where it becomes likelier as the value grows."""
    return Feature(name, FAMILY, meaning, unit, "at the application", how, low, high, sign, needs=needs)


def _money(column: ir.Value) -> ir.FloatingValue:
    return column.cast("float64")


def _income(rows: ir.Table) -> ir.FloatingValue:
    """Salary where one is received, else whatever comes in; per month."""
    salary = ibis.ifelse(rows.salary_months_share >= 0.5, rows.monthly_salary, ibis.null("float64"))
    return ibis.coalesce(salary, rows.monthly_inflow).nullif(0)


_PURPOSE = Feature(
    "purpose", FAMILY, "purpose of the loan", "name", "at the application", lambda t: t.purpose,
    "asks for a loan of this purpose", "asks for a loan of this purpose", type="text", needs=("loans.purpose",),
)  # fmt: skip

FEATURES: tuple[Feature, ...] = (
    _feature("loan_amount", "amount asked for", "currency", lambda t: _money(t.amount), "asks for a small loan",
             "asks for a large loan"),
    _feature("term_months", "months in which the loan is to be repaid", "months", lambda t: _money(t.term_months),
             "wants to repay soon", "wants to repay over a long time", 0, "loans.term_months"),
    _feature("loan_instalment", "monthly payment of the loan asked for", "currency",
             lambda t: _money(t.monthly_payment), "would pay small instalments", "would pay high instalments", 0,
             "loans.monthly_payment"),
    _PURPOSE,
    _feature("collateral_share", "value of the collateral divided by the amount; 0 without collateral", "ratio",
             lambda t: ibis.coalesce(share(_money(t.collateral_value), _money(t.amount)), 0.0).clip(upper=5),
             "offers little or no collateral", "offers collateral", 0, "loans.collateral_value"),
    _feature("policy_score", "score that the granting policy in force gave (higher is better)", "points",
             lambda t: t.policy_score, "was rated low by the policy in force", "was rated high by the policy in force",
             -1, "loans.policy_score"),
    _feature("amount_of_income", "amount asked for divided by a month's income here", "ratio",
             lambda t: (_money(t.amount) / _income(t)).clip(upper=200), "asks for little compared with the income",
             "asks for much compared with the income", 1),
    _feature("instalment_of_income", "monthly payment of the loan asked for, divided by income here", "ratio",
             lambda t: (_money(t.monthly_payment) / _income(t)).clip(upper=20),
             "would pay a small part of the income as instalment", "would pay a large part of the income as instalment",
             1, "loans.monthly_payment"),
    _feature("debt_service", "monthly payments of running loans and this one, divided by income here", "ratio",
             lambda t: ((_money(t.monthly_payment) + ibis.coalesce(t.instalments, 0.0)) / _income(t)).clip(upper=20),
             "would pay a small part of the income for loans", "would pay a large part of the income for loans", 1,
             "loans.monthly_payment"),
)  # fmt: skip


def known_at_application(feature: Feature) -> bool:
    """Tell whether every column of ``loans`` that a feature needs is known when the loan is asked for.

    Examples
    --------
    >>> known_at_application(FEATURES[0])
    True
    >>> known_at_application(Feature("x", "application", "", "", "", lambda t: t.decision, "", "",
    ...                              needs=("loans.decision",)))
    False
    """
    columns = [need.partition(".")[2] for need in feature.needs if need.startswith("loans.")]
    return not any(TABLES["loans"].column(c).known_by or TABLES["loans"].column(c).undated for c in columns)


def applications(tables: dict[str, ir.Table]) -> ir.Table:
    """List applications by customers who are known: the columns of ``loans`` with ``as_of``, the day of applying.

    Raises
    ------
    DataError
        If there is no table of loans.
    """
    if "loans" not in tables:
        raise DataError("credit needs the table loans: map it in params/ingest.yaml, or use a ready table")
    loans = tables["loans"].semi_join(tables["customers"], "customer_id")
    return loans.mutate(as_of=loans.applied_at.date())


def applicants(tables: dict[str, ir.Table]) -> dict[str, ir.Table]:
    """Restrict the table of customers to those who ever asked for a loan.

    Raises
    ------
    NotApplicable
        If there is no table of loans: credit is no business of this source.
    """
    if "loans" not in tables:
        raise NotApplicable("there is no table of loans: map it in params/ingest.yaml, or use a ready table")
    customers = tables["customers"].semi_join(tables["loans"], "customer_id")
    return {**tables, "customers": customers}


def audited(families: Sequence[str]) -> Callable[[dict[str, ir.Table], object], ir.Table]:
    """Make the builder that the leak audit calls with tables and dates: applications have dates of their own."""
    return lambda tables, as_of: build_applications(tables, families)


def build_applications(tables: dict[str, ir.Table], families: Sequence[str]) -> ir.Table:
    """Build the features of every application.

    Parameters
    ----------
    tables : dict of str to ir.Table
        Canonical tables; ``customers``, ``transactions`` and ``loans`` are needed.
    families : sequence of str
        Feature families beside the application's own columns; ``repayment`` must be among them.

    Returns
    -------
    ir.Table
        loan_id, customer_id, as_of (date of applying), one column per feature. They use what was known at the midnight
        at which that day began, and what the application itself states.

    Raises
    ------
    DataError
        If there is no table of loans, or ``repayment`` is not among the families.
    """
    if "repayment" not in families:
        raise DataError("families of applications must include repayment: the ratios to income are taken from it")
    rows = applications(tables)
    base = build_features(tables, rows.select("customer_id", "as_of").distinct(), families=families)
    own = [f for f in FEATURES if f.missing(tables) is None]
    joined = rows.select("loan_id", "customer_id", "as_of", *_stated(rows)).left_join(base, ["customer_id", "as_of"])
    values = {f.name: f.how(joined).cast("float64" if f.type == "double" else "string") for f in own}
    columns = [c for c in base.columns if c not in ("customer_id", "as_of")]
    return joined.select("loan_id", "customer_id", "as_of", *columns, **values)


def _stated(rows: ir.Table) -> list[str]:
    """Columns that the application itself states, as far as the source has them."""
    stated = ("amount", "term_months", "monthly_payment", "purpose", "collateral_value", "policy_score")
    return [c for c in stated if c in rows.columns]
