"""Value: what the customer's money does here, and what the bank earns from it."""

import ibis.expr.types as ir

from .family import Family
from .feature import Feature, Sign, change, deviation, share

_WINDOWS = ("30", "90", "90_180", "180", "365", "365_455")
_SUMS = ("inflow", "outflow", "initiated_outflow", "purchase_amount", "salary_amount", "margin", "fee_amount")
INGREDIENTS = (
    *(f"{name}_{window}" for name in _SUMS for window in _WINDOWS),
    *(f"{name}_amount_{window}" for name in ("cash_withdrawal", "transfer_out", "loan_payment", "interest")
      for window in ("90", "365")),
    "kind_purchase_90", "kind_purchase_365", "kind_purchase_90_180", "kind_salary_365", "purchase_squares_365",
    "largest_purchase_365", "margin_rows_365", "inflow_ever", "outflow_ever", "first_day_ever",
)  # fmt: skip


def _money(name: str, meaning: str, window: int, cents: str, low: str, high: str, sign: Sign = 0) -> Feature:
    return Feature(
        name, "value", meaning, "currency", f"{window} days", lambda t: t[cents] / 100, low, high, sign
    )  # fmt: skip


def history(rows: ir.Table) -> ir.IntegerValue:
    """Days from the first known transaction to as_of."""
    return rows.as_of.delta(rows.first_day_ever, unit="day")


def trend(rows: ir.Table, name: str) -> ir.FloatingValue:
    """Last 90 days against the 90 before, for customers with 180 days of history."""
    return (history(rows) >= 180).ifelse(change(rows[f"{name}_90"], rows[f"{name}_90_180"]), None)


def on_last_year(rows: ir.Table, name: str) -> ir.FloatingValue:
    """Last 90 days against the same 90 days a year earlier, for customers with 455 days of history."""
    return (history(rows) >= 455).ifelse(change(rows[f"{name}_90"], rows[f"{name}_365_455"]), None)


def _trends(name: str, subject: str, ingredient: str) -> tuple[Feature, Feature]:
    return (
        Feature(f"{name}_trend_90d", "value", f"{subject}: last 90 days against the 90 before, (a−b)/(a+b)", "−1 to 1",
                "90 and the 90 days before", lambda t: trend(t, ingredient),
                f"has less {subject} than in the three months before",
                f"has more {subject} than in the three months before", -1),
        Feature(f"{name}_on_last_year_90d", "value",
                f"{subject}: last 90 days against the same 90 days a year earlier, (a−b)/(a+b)", "−1 to 1",
                "90 days and the same days a year earlier", lambda t: on_last_year(t, ingredient),
                f"has less {subject} than in the same months of last year",
                f"has more {subject} than in the same months of last year", -1),
    )  # fmt: skip


def _net(rows: ir.Table, window: str) -> ir.IntegerValue:
    return rows[f"inflow_{window}"] - rows[f"outflow_{window}"]


def _balance(rows: ir.Table) -> ir.IntegerValue:
    return _net(rows, "ever")


def _drained(rows: ir.Table, window: int) -> ir.FloatingValue:
    """Net outflow as a share of what was there at the window's start or came in during it."""
    net = _net(rows, str(window))
    available = (_balance(rows) - net).clip(lower=0) + rows[f"inflow_{window}"]
    return share(-net, available).clip(lower=-5, upper=5)


FEATURES: tuple[Feature, ...] = (
    *(_money(f"inflow_{w}d", "money that came in", w, f"inflow_{w}", "receives little money here",
             "receives much money here") for w in (30, 90, 365)),
    *(_money(f"outflow_{w}d", "money that went out", w, f"outflow_{w}", "moves little money out",
             "moves much money out") for w in (30, 90, 365)),
    *(Feature(f"net_flow_{w}d", "value", "money in minus money out", "currency", f"{w} days",
              lambda t, w=w: _net(t, str(w)) / 100, "took more money out than came in",
              "let more money come in than go out", -1) for w in (30, 90, 180, 365)),
    Feature("balance_estimate", "value", "sum of all known bookings, an estimate of the balance without its start",
            "currency", "whole past", lambda t: _balance(t) / 100, "keeps little money here", "keeps much money here"),
    *(Feature(f"drained_{w}d", "value", "net outflow as a share of the money that was there or came in", "−5 to 5",
              f"{w} days", lambda t, w=w: _drained(t, w), "lets money build up", "is drawing the balance down", 1)
      for w in (30, 90, 180)),
    Feature("spending_of_income_90d", "value", "money out divided by money in", "ratio", "90 days",
            lambda t: share(t.outflow_90, t.inflow_90).clip(upper=20), "spends little of what comes in",
            "spends more than comes in"),
    *_trends("inflow", "money coming in", "inflow"),
    *_trends("outflow", "money going out", "outflow"),
    *(_money(f"spending_{w}d", "amount of payments the customer made", w, f"initiated_outflow_{w}",
             "pays little through this bank", "pays much through this bank", -1) for w in (30, 90, 365)),
    *_trends("spending", "spending", "initiated_outflow"),
    *(_money(f"purchase_amount_{w}d", "amount of purchases", w, f"purchase_amount_{w}", "buys little with the card",
             "buys much with the card", -1) for w in (90, 365)),
    *_trends("purchase_amount", "card spending", "purchase_amount"),
    Feature("mean_purchase_90d", "value", "average purchase", "currency", "90 days",
            lambda t: share(t.purchase_amount_90, t.kind_purchase_90) / 100, "makes small purchases",
            "makes large purchases"),
    Feature("mean_purchase_365d", "value", "average purchase", "currency", "365 days",
            lambda t: share(t.purchase_amount_365, t.kind_purchase_365) / 100, "makes small purchases",
            "makes large purchases"),
    Feature("purchase_variation_365d", "value", "standard deviation of purchases divided by their average", "ratio",
            "365 days", lambda t: share(deviation(t.kind_purchase_365, t.purchase_amount_365, t.purchase_squares_365),
                                        share(t.purchase_amount_365, t.kind_purchase_365)),
            "makes purchases of similar size", "makes purchases of very different size"),
    Feature("largest_purchase_365d", "value", "largest purchase", "currency", "365 days",
            lambda t: t.largest_purchase_365 / 100, "made no large purchase", "made a large purchase"),
    Feature("mean_purchase_change_90d", "value", "average purchase: last 90 days against the 90 before, (a−b)/(a+b)",
            "−1 to 1", "90 and the 90 days before",
            lambda t: change(share(t.purchase_amount_90, t.kind_purchase_90),
                             share(t.purchase_amount_90_180, t.kind_purchase_90_180)),
            "makes smaller purchases than before", "makes larger purchases than before"),
    *(_money(f"salary_{w}d", "salary received", w, f"salary_amount_{w}", "receives little or no salary here",
             "receives a good salary here", -1) for w in (90, 365)),
    *_trends("salary", "salary coming in", "salary_amount"),
    Feature("salary_of_inflow_365d", "value", "share of salary in the money that came in", "share", "365 days",
            lambda t: share(t.salary_amount_365, t.inflow_365), "receives money other than salary",
            "receives mainly salary here", -1),
    *(_money(f"fees_{w}d", "fees paid", w, f"fee_amount_{w}", "pays few fees", "pays many fees") for w in (90, 365)),
    Feature("fees_of_outflow_365d", "value", "share of fees in the money that went out", "share", "365 days",
            lambda t: share(t.fee_amount_365, t.outflow_365), "pays few fees for what is done here",
            "pays many fees for what is done here", 1),
    _money("interest_365d", "interest booked, received minus paid", 365, "interest_amount_365",
           "pays interest or earns none", "earns interest"),
    _money("loan_payments_90d", "loan payments", 90, "loan_payment_amount_90", "pays no loan back",
           "pays a loan back", -1),
    Feature("cash_of_outflow_90d", "value", "share of cash withdrawals in the money that went out", "share", "90 days",
            lambda t: share(t.cash_withdrawal_amount_90, t.outflow_90), "withdraws little cash",
            "takes much of the money out in cash"),
    Feature("transfers_of_outflow_90d", "value", "share of transfers in the money that went out", "share", "90 days",
            lambda t: share(t.transfer_out_amount_90, t.outflow_90), "transfers little money away",
            "transfers much of the money away"),
    Feature("transfers_of_outflow_change", "value", "share of transfers in money out: 90 days minus 365 days",
            "−1 to 1", "90 against 365 days", lambda t: share(t.transfer_out_amount_90, t.outflow_90)
            - share(t.transfer_out_amount_365, t.outflow_365), "transfers less away than usual",
            "transfers more away than usual", 1),
    *(Feature(f"margin_{w}d", "value", "what the bank earned", "currency", f"{w} days",
              lambda t, w=w: (t.margin_rows_365 > 0).ifelse(t[f"margin_{w}"] / 100, None),
              "brings the bank little", "brings the bank much", needs=("transactions.margin",)) for w in (90, 365)),
    Feature("margin_on_last_year_90d", "value", "what the bank earned: last 90 days minus the same days a year earlier",
            "currency", "90 days and the same days a year earlier",
            lambda t: (history(t) >= 455).ifelse((t.margin_90 - t.margin_365_455) / 100, None),
            "brings the bank less than in the same months of last year",
            "brings the bank more than in the same months of last year", needs=("transactions.margin",)),
    Feature("margin_of_turnover_365d", "value", "what the bank earned of each unit moved", "ratio", "365 days",
            lambda t: (t.margin_rows_365 > 0).ifelse(share(t.margin_365, t.inflow_365 + t.outflow_365), None),
            "brings the bank little for what is moved", "brings the bank much for what is moved",
            needs=("transactions.margin",)),
)  # fmt: skip


FAMILY = Family("value", FEATURES, activity=INGREDIENTS)
