"""The demo bank: run all mechanisms chunk by chunk and write source files and, apart from them, the truth."""

import time
from datetime import date
from pathlib import Path

import numpy as np
import pyarrow as pa

from . import accounts as account_part
from . import book, credit, liquidity, repayment, truth
from .campaigns import Assignments, CampaignBook, campaign_table, draw_campaigns, treatment_table
from .columns import Files
from .dirt import Dirt
from .economy import draw_economy, stream
from .lifecycle import Panel, simulate_lives
from .population import People
from .support import contact_table
from .surveys import survey_table
from .transactions import Bookings, day_weights, discretionary, regular, transaction_table
from .value import monthly_margin, value_truth

BLOCK = 5_000  # places whose transactions are held at a time


def simulate(
    source_folder: Path,
    truth_folder: Path,
    *,
    customers: int = 10_000,
    months: int = 36,
    seed: int = 7,
    end: date = date(2026, 7, 1),
    chunk_customers: int = 50_000,
    dirt: bool = True,
) -> dict[str, object]:
    """Simulate the bank.

    Parameters
    ----------
    source_folder, truth_folder : Path
        Where the Parquet files go, one per table.
    customers : int
        Size of the bank: customers at any one time. Who leaves is followed by somebody new, so the table of customers
        has more rows.
    months : int
        Months of data, ending before ``end``.
    seed : int
        Equal arguments give equal bytes.
    end : date
        The first day that is not covered.
    chunk_customers : int
        Customers simulated at a time; bounds the memory.
    dirt : bool
        Plant bad rows.

    Returns
    -------
    dict
        ``rows`` per table and ``seconds``.
    """
    began = time.perf_counter()
    bank = _Bank(Path(source_folder), Path(truth_folder), customers, months, seed, end, dirt)
    try:
        bank.fixed_tables()
        for chunk, first in enumerate(range(0, customers, chunk_customers)):
            bank.chunk(chunk, min(chunk_customers, customers - first))
    finally:
        bank.source.close()
        bank.truth.close()
    return {
        "rows": dict(bank.source.rows),
        "truth_rows": dict(bank.truth.rows),
        "seconds": round(time.perf_counter() - began, 2),
    }


class _Bank:
    """Holds the open files and running numbers of one simulation."""

    def __init__(self, source: Path, truth_folder: Path, customers: int, months: int, seed: int, end: date,
                 dirt: bool) -> None:  # fmt: skip
        self.customers, self.seed = customers, seed
        self.economy = draw_economy(seed, months, end)
        self.campaigns = draw_campaigns(seed, self.economy, customers)
        self.source, self.truth = Files(source), Files(truth_folder)
        self.dirt = Dirt() if dirt else Dirt(share=0.0)
        self.given: dict[str, int] = {}

    def fixed_tables(self) -> None:
        """Write what doesn't depend on customers."""
        self.source.write("regions", account_part.region_table(self.economy))
        self.source.write("campaigns", campaign_table(self.campaigns, self.economy))

    def add(self, chunk: int, name: str, table: pa.Table, part: int = 0) -> None:
        """Write good rows and, behind them, bad ones."""
        self.source.write(name, table)
        bad, notes = self.dirt.spoil(stream(self.seed, chunk, f"dirt {name} {part}"), name, table)
        if bad.num_rows:
            self.source.write(name, bad)
        self.truth.write("dirt", notes)
        self.given[name] = self.given.get(name, 0) + table.num_rows

    def number(self, name: str) -> int:
        """Give the first number that is free for a table's identifiers."""
        return self.given.get(name, 0)

    def chunk(self, chunk: int, n: int) -> None:
        """Simulate ``n`` places from first to last and write everything about them."""

        def rng(name: str) -> np.random.Generator:
            return stream(self.seed, chunk, name)

        economy = self.economy
        campaigns = CampaignBook(rng("campaigns"), self.campaigns, n, self.customers)
        people, panel, assigned = simulate_lives(rng("lives"), n, economy, campaigns)
        when = account_part.timeline(rng("timeline"), people, panel, economy)
        accounts = account_part.draw_accounts(rng("accounts"), people, panel, economy, when)
        strain = liquidity.draw_strain(rng("strain"), people)
        loans = credit.draw_loans(rng("credit"), people, strain, panel, economy, when)
        names = account_part.customer_names(len(people), self.number("customers"))
        first_account, first_loan = self.number("accounts"), self.number("loans")

        margin = monthly_margin(rng("margin"), people, panel)
        self.add(chunk, "customers", account_part.customer_table(people, economy, when, self.number("customers")))
        for part, first in enumerate(range(0, n, BLOCK)):
            draw, places = rng(f"transactions {first}"), slice(first, min(first + BLOCK, n))
            block = panel.customer[:, places]
            rows = Bookings.concat([
                discretionary(draw, people, panel, economy, accounts, places, day_weights(economy)),
                regular(draw, people, panel, economy, accounts, places, margin),
                repayment.payments(loans, economy, int(block.min()), int(block.max()) + 1),
                liquidity.overdrafts(rng(f"overdrafts {first}"), strain, people, panel, economy, places),
            ])  # fmt: skip
            table = transaction_table(draw, rows, people, economy, accounts, names, self.number("transactions"),
                                      first_account)  # fmt: skip
            self.add(chunk, "transactions", table, part)
        self.add(chunk, "accounts", account_part.account_table(accounts, names, first_account))
        self.add(chunk, "accounts", credit.loan_account_table(loans, names, self.number("accounts")), part=1)
        self.add(chunk, "contacts", contact_table(rng("contacts"), people, panel, economy, when, names,
                                                  self.number("contacts")))  # fmt: skip
        self.add(chunk, "surveys", survey_table(rng("surveys"), people, panel, economy, names, self.number("surveys")))
        self.add(chunk, "loans", credit.loan_table(loans, names, first_loan))
        self.add(chunk, "loan_months", repayment.loan_months(rng("arrears"), loans, economy, first_loan))
        self.add(chunk, "recoveries", repayment.recoveries(rng("recoveries"), loans, economy, first_loan))
        self.truth.write("credit", credit.credit_truth(loans, people, first_loan))
        here, state = truth.state_at(economy.months, people, panel)
        self.truth.write("book", book.book_truth(loans, here, state, economy, first_loan))
        if assigned is not None:
            self.add(chunk, "treatments", treatment_table(rng("treatments"), assigned, self.campaigns, economy,
                                                          when.closed_at, names))  # fmt: skip
        self._truth(people, panel, assigned, names)

    def _truth(self, people: People, panel: Panel, assigned: Assignments | None, names: pa.Array) -> None:
        economy = self.economy
        for month in range(min(truth.FIRST_MONTH, economy.months), economy.months + 1):
            who, state = truth.state_at(month, people, panel)
            churn, support = truth.churn_truth(who, state, economy, month, names)
            self.truth.write("churn", churn)
            self.truth.write("support", support)
            if (economy.months - month) % 12 == 0 and month > truth.FIRST_MONTH:
                self.truth.write("value", value_truth(who, state, people, economy, month, names))
        self.truth.write("groups", truth.group_truth(people, names))
        if assigned is not None:
            found = truth.treatment_truth(assigned, self.campaigns, people, panel, economy, names)
            self.truth.write("treatments", found)
