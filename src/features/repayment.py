"""Repayment: past loans and arrears, use of credit, how regular income is, and how the account stood before a date.

Made for applications (pairs of customer and date). Every figure looks at rows before the date that were known by it,
and none looks back further than a year: what grows with the length of the data (days since the first …, sums of the
whole past) would rate the applications of later years differently for that reason alone.
"""

from collections.abc import Callable, Iterator

import ibis
import ibis.expr.types as ir

from .family import Family
from .feature import KEY, Feature, Sign, days_since, deviation, share
from .inputs import Inputs, before, days_back, usable
from .pairwise import as_summed

INGREDIENTS = (
    "kind_salary_365", "salary_amount_365", "inflow_365", "outflow_365", "first_day_ever",
)  # fmt: skip
MONTH_DAYS = 30
MONTHS = 12


def _feature(
    name: str, meaning: str, unit: str, window: str, how: Callable[..., ir.Value], low: str, high: str,
    sign: Sign = 0, *needs: str,
) -> Feature:  # fmt: skip
    """Signs are about default: 1 where it becomes likelier as the value grows."""
    return Feature(name, "repayment", meaning, unit, window, how, low, high, sign, needs=needs)


def _count(column: str) -> Callable[..., ir.Value]:
    return lambda t: ibis.coalesce(t[column], 0)


def observed_months(rows: ir.Table) -> ir.FloatingValue:
    """Months of known history, between 1 and 12."""
    days = ibis.coalesce(days_since(rows, rows.first_day_ever), MONTH_DAYS)
    return (days.cast("float64") / (365 / 12)).clip(lower=1.0, upper=12.0)


def _recent(days: ir.IntegerValue, most: int) -> ir.IntegerValue:
    return ibis.ifelse(days <= most, days, ibis.null("int64"))


def _per_month(cents: ir.NumericValue, rows: ir.Table) -> ir.FloatingValue:
    return cents.cast("float64") / 100 / observed_months(rows)


FEATURES: tuple[Feature, ...] = (
    # past loans and arrears
    _feature("loans_granted_365d", "loans granted", "count", "365 days", _count("granted_365"),
             "was granted no loan lately", "was granted several loans within a year", 0, "loans"),
    _feature("open_loans", "loans that are running", "count", "at as_of", _count("open_loans"), "has no running loan",
             "has several running loans", 1, "loans"),
    _feature("applications_365d", "applications for a loan before this one", "count", "365 days",
             _count("applications_365"), "asked for few loans", "asked for several loans within a year", 1, "loans"),
    _feature("declined_365d", "applications declined", "count", "365 days", _count("declined_365"),
             "was not declined lately", "was declined within the last year", 1, "loans.decision"),
    _feature("defaults_365d", "loans that came to be 90 days past due", "count", "365 days", _count("defaults_365"),
             "did not default here", "defaulted here within the last year", 1, "loans.defaulted_at"),
    _feature("owed", "balance of running loans at the last month's end", "currency", "at as_of",
             lambda t: ibis.coalesce(t.owed.cast("float64"), 0.0), "owes little here", "owes much here", 1,
             "loans", "loan_months.balance"),
    _feature("instalments", "monthly payments of running loans", "currency", "at as_of",
             lambda t: ibis.coalesce(t.instalments.cast("float64"), 0.0), "pays no instalments",
             "already pays high instalments", 1, "loans.monthly_payment"),
    _feature("longest_arrears_365d", "most days past due at a month's end, any loan", "days", "365 days",
             _count("longest_arrears"), "paid on time", "was late with payments", 1, "loans",
             "loan_months.days_past_due"),
    _feature("late_months_share_365d", "share of the loans' month ends with a payment past due", "share", "365 days",
             lambda t: share(ibis.coalesce(t.late_months, 0), t.months_seen), "paid instalments on time",
             "was often late with instalments", 1, "loans", "loan_months.days_past_due"),
    # use of credit
    _feature("overdrawn_months_90d", "months in which overdraft interest was charged", "count", "90 days",
             _count("overdrawn_90"), "kept the account in credit lately", "overdrew the account lately", 1,
             "transactions.kind"),
    _feature("overdrawn_months_365d", "months in which overdraft interest was charged", "count", "365 days",
             _count("overdrawn_365"), "kept the account in credit", "often overdrew the account", 1,
             "transactions.kind"),
    _feature("overdrawn_share_365d", "months with overdraft interest as a share of the months known", "share",
             "365 days or since the first booking",
             lambda t: (ibis.coalesce(t.overdrawn_365, 0).cast("float64") / observed_months(t)).clip(upper=1.0),
             "kept the account in credit", "often overdrew the account", 1, "transactions.kind"),
    _feature("overdraft_interest_of_income_365d", "overdraft interest divided by money coming in", "ratio",
             "365 days", lambda t: share(ibis.coalesce(t.overdraft_cents, 0), t.inflow_365).clip(upper=1),
             "pays little overdraft interest for the income", "pays much overdraft interest for the income", 1,
             "transactions.kind"),
    _feature("days_since_overdraft_180d", "days since overdraft interest was last charged; missing if not within 180",
             "days", "180 days", lambda t: _recent(days_since(t, t.last_overdraft), 180),
             "overdrew the account not long ago", "overdrew the account some months ago", -1, "transactions.kind"),
    *(_feature(f"card_utilisation_{w}d", f"credit card purchases of {w} days, per month, divided by the card's limit",
               "ratio", f"{w} days",
               lambda t, w=w: share(t[f"card_{w}"], t.card_limit * (w // MONTH_DAYS)).clip(upper=5),
               "uses little of the card's limit", "uses much of the card's limit", 1, "accounts.credit_limit")
      for w in (30, 90)),
    # how regular income is
    _feature("monthly_salary", "average salary payment", "currency", "365 days",
             lambda t: share(t.salary_amount_365, t.kind_salary_365) / 100, "receives a small salary here",
             "receives a good salary here", -1, "transactions.kind"),
    _feature("salary_months_share", "salary payments as a share of the months known", "share",
             "365 days or since the first booking",
             lambda t: (t.kind_salary_365 / observed_months(t)).clip(upper=1.0),
             "seldom receives a salary here", "receives a salary here every month", -1, "transactions.kind"),
    _feature("salary_variation_365d", "standard deviation of salary payments divided by their average", "ratio",
             "365 days", lambda t: share(deviation(t.kind_salary_365, t.salary_amount_365, t.salary_squares),
                                         share(t.salary_amount_365, t.kind_salary_365)),
             "has an even salary", "has an uneven salary", 1, "transactions.kind"),
    _feature("monthly_inflow", "money that came in, per month", "currency", "365 days or since the first booking",
             lambda t: _per_month(t.inflow_365, t), "has little money coming in", "has much money coming in", -1),
    _feature("monthly_net_flow", "money in minus money out, per month", "currency",
             "365 days or since the first booking", lambda t: _per_month(t.inflow_365 - t.outflow_365, t),
             "spends more than comes in", "has money left at the end of the month", -1),
    # how the account stood
    _feature("negative_months_365d", "months of 30 days in which more went out than came in, as a share", "share",
             "360 days", lambda t: share(t.negative_months, t.months_with_bookings), "seldom spends more than comes in",
             "often spends more than comes in", 1),
    _feature("worst_month_of_inflow", "largest net outflow of a month, divided by a usual month's money in", "ratio",
             "360 days", lambda t: share(-t.worst_month, t.inflow_365 / observed_months(t)).clip(lower=-5, upper=20),
             "never had a month of large outflows", "had a month of large outflows", 1),
    _feature("saved_of_inflow_365d", "money in minus money out, divided by money in", "ratio", "365 days",
             lambda t: share(t.inflow_365 - t.outflow_365, t.inflow_365).clip(lower=-5, upper=1),
             "saves nothing here", "saves much of what comes in", -1),
)  # fmt: skip


def _loans(inputs: Inputs) -> ir.Table:
    loans = inputs.tables["loans"]
    absent = {n: ibis.null("timestamp") for n in ("granted_at", "defaulted_at", "closed_at") if n not in loans.columns}
    absent |= {"decision": ibis.null("string")} if "decision" not in loans.columns else {}
    absent |= {"monthly_payment": ibis.null("decimal(18, 2)")} if "monthly_payment" not in loans.columns else {}
    return loans.mutate(**absent) if absent else loans


def loans_at(inputs: Inputs) -> ir.Table:
    """Count a customer's earlier applications and loans, as they were known at each date.

    An application counts from the day after it was made; what became of it only once that had happened.
    """
    rows = inputs.at(_loans(inputs))
    rows = rows.filter(before(rows, rows.applied_at))
    granted = rows.granted_at.notnull() & before(rows, rows.granted_at)
    gone = rows.closed_at.notnull() & before(rows, rows.closed_at)
    bad = rows.defaulted_at.notnull() & before(rows, rows.defaulted_at)
    rows = rows.mutate(granted=granted, running=granted & ~gone, bad=bad, age=days_back(rows, rows.applied_at))
    return rows.group_by(*KEY).aggregate(
        granted_365=rows.count(where=rows.granted & (days_back(rows, rows.granted_at) <= 365)),
        open_loans=rows.count(where=rows.running),
        applications_365=rows.count(where=rows.age <= 365),
        declined_365=rows.count(where=(rows.age <= 365) & (rows.decision == "declined")),
        defaults_365=rows.count(where=rows.bad & (days_back(rows, rows.defaulted_at) <= 365)),
        instalments=rows.monthly_payment.sum(where=rows.running),
    )


def arrears_at(inputs: Inputs) -> ir.Table:
    """Sum up the month-end states of a customer's loans: what is owed, and how late payments were."""
    months = inputs.tables["loan_months"].join(inputs.tables["loans"].select("loan_id", "customer_id"), "loan_id")
    if "balance" not in months.columns:
        months = months.mutate(balance=ibis.null("decimal(18, 2)"))
    rows = inputs.at(months)
    rows = rows.filter(usable(rows, "month_end"))
    age = days_back(rows, rows.month_end)
    rows = rows.mutate(recent=age <= 365, last=age <= MONTH_DAYS + 1)
    latest = rows.filter(rows.last).group_by(*KEY, "loan_id").aggregate(balance=rows.balance.argmax(rows.month_end))
    owed = latest.group_by(*KEY).aggregate(owed=latest.balance.sum())
    summed = rows.group_by(*KEY).aggregate(
        longest_arrears=rows.days_past_due.max(where=rows.recent),
        late_months=rows.count(where=rows.recent & (rows.days_past_due > 0)),
        months_seen=rows.count(where=rows.recent),
    )
    return summed.left_join(owed, list(KEY)).drop("customer_id_right", "as_of_right")


def account_at(inputs: Inputs) -> ir.Table:
    """Sum up overdrafts, salaries and monthly net flows from the customer's bookings."""
    rows = inputs.at(as_summed(inputs.tables["transactions"]))
    rows = rows.filter(usable(rows, "booked_at"))
    age = days_back(rows, rows.booked_at)
    overdraft = (rows.kind == "interest") & (rows.cents < 0)
    salary = (rows.kind == "salary") & (age <= 365)
    exact = ibis.ifelse(salary, rows.cents, 0.0).cast("decimal(18, 0)")
    rows = rows.mutate(age=age, overdraft=ibis.coalesce(overdraft, False), squares=exact * exact)
    rows = rows.mutate(month=((rows.age - 1) / MONTH_DAYS).floor().cast("int64"))
    months = rows.filter(rows.month < MONTHS).group_by(*KEY, "month").aggregate(net=rows.cents.sum())
    flows = months.group_by(*KEY).aggregate(
        negative_months=months.count(where=months.net < 0), months_with_bookings=months.count(),
        worst_month=months.net.min(),
    )  # fmt: skip
    summed = rows.group_by(*KEY).aggregate(
        **{f"overdrawn_{w}": rows.count(where=rows.overdraft & (rows.age <= w)) for w in (90, 365)},
        overdraft_cents=ibis.ifelse(rows.overdraft & (rows.age <= 365), -rows.cents, 0.0).sum(),
        last_overdraft=rows.day.max(where=rows.overdraft),
        salary_squares=rows.squares.sum(),
    )
    return summed.left_join(flows, list(KEY)).drop("customer_id_right", "as_of_right")


def cards_at(inputs: Inputs) -> ir.Table:
    """Sum up purchases by credit card, and the limits of the cards that were open."""
    accounts = inputs.tables["accounts"]
    cards = accounts.filter(accounts["product"] == "credit_card")
    held = inputs.at(cards.select("customer_id", "opened_at", "closed_at", "credit_limit"))
    held = held.filter(before(held, held.opened_at) & (held.closed_at.isnull() | ~before(held, held.closed_at)))
    limits = held.group_by(*KEY).aggregate(card_limit=(held.credit_limit * 100).cast("int64").sum())
    bookings = as_summed(inputs.tables["transactions"])
    bookings = inputs.at(bookings.filter(bookings.kind == "purchase").semi_join(cards, "account_id"))
    bookings = bookings.filter(usable(bookings, "booked_at"))
    age = days_back(bookings, bookings.booked_at)
    spent = bookings.group_by(*KEY).aggregate(
        **{f"card_{w}": ibis.ifelse(age <= w, -bookings.cents, 0.0).sum() for w in (30, 90)}
    )
    rows = limits.left_join(spent, list(KEY)).drop("customer_id_right", "as_of_right")
    return rows.mutate(**{f"card_{w}": ibis.coalesce(rows[f"card_{w}"], 0.0) for w in (30, 90)})


def ingredients(inputs: Inputs) -> Iterator[ir.Table]:
    """Give what the tables that are there can tell."""
    yield account_at(inputs)
    if "loans" in inputs.tables:
        yield loans_at(inputs)
        if "loan_months" in inputs.tables:
            yield arrears_at(inputs)
    accounts = inputs.tables.get("accounts")
    if accounts is not None and {"product", "credit_limit"} <= set(accounts.columns):
        yield cards_at(inputs)


FAMILY = Family("repayment", FEATURES, activity=INGREDIENTS, ingredients=ingredients)
