"""The berka source: the PKDD'99 bank as published, with or without its complete transaction table.

Columns, codes and traps: P. Berka and M. Sochorova, "Guide to the Financial Data Set", PKDD'99 Discovery Challenge.
"""

from datetime import date
from pathlib import Path

from ...errors import DataError
from .delimited import Layout, read_delimited, read_header, require
from .settings import BerkaSettings
from .staging import LINE, Delivery, Staged, Workspace, quoted, raw_json

LAYOUT = Layout(";")
COLUMNS: dict[str, tuple[str, ...]] = {
    "account": ("account_id", "district_id", "frequency", "date"),
    "client": ("client_id", "birth_number", "district_id"),
    "disp": ("disp_id", "client_id", "account_id", "type"),
    "order": ("order_id", "account_id", "bank_to", "account_to", "amount", "k_symbol"),
    "loan": ("loan_id", "account_id", "date", "amount", "duration", "payments", "status"),
    "card": ("card_id", "disp_id", "type", "issued"),
    "district": tuple(f"A{i}" for i in range(1, 17)),
    "trans": ("trans_id", "account_id", "date", "type", "operation", "amount", "balance", "k_symbol", "bank",
              "account"),
}  # fmt: skip
ENDS = date(1999, 1, 1)
_ENDINGS = (".asc", ".csv", ".asc.gz", ".csv.gz")

# k_symbol and operation name the kind together: what a booking is for says more than how it was made.
_KIND = """CASE
  WHEN {k} IN ('UROK', 'SANKC. UROK') THEN 'interest' WHEN {k} = 'SLUZBY' THEN 'fee'
  WHEN {k} = 'DUCHOD' THEN 'salary' WHEN {k} = 'UVER' THEN 'loan_payment'
  WHEN {o} = 'VKLAD' THEN 'cash_deposit' WHEN {o} IN ('VYBER', 'VYBER KARTOU') THEN 'cash_withdrawal'
  WHEN {o} = 'PREVOD Z UCTU' THEN 'transfer_in' WHEN {o} = 'PREVOD NA UCET' THEN 'transfer_out'
  WHEN {o} IS NULL AND {k} IS NULL THEN NULL ELSE concat_ws('/', {o}, {k}) END"""
_CHANNEL = """CASE
  WHEN {k} IN ('UROK', 'SANKC. UROK', 'SLUZBY', 'DUCHOD', 'SIPO', 'UVER', 'POJISTNE', 'LEASING') THEN 'automatic'
  WHEN {o} = 'VYBER KARTOU' THEN 'atm' WHEN {o} IN ('VKLAD', 'VYBER') THEN 'branch'
  WHEN {o} = 'PREVOD Z UCTU' THEN 'automatic' END"""
_CATEGORY = """CASE {k} WHEN 'SIPO' THEN 'household' WHEN 'POJISTNE' THEN 'insurance' WHEN 'LEASING' THEN 'leasing'
  WHEN 'DUCHOD' THEN 'pension' WHEN 'UVER' THEN 'loan' WHEN 'UROK' THEN 'interest credited'
  WHEN 'SANKC. UROK' THEN 'penalty interest' WHEN 'SLUZBY' THEN 'statement fee' ELSE {k} END"""


def stage(space: Workspace, settings: BerkaSettings) -> Delivery:
    """Stage the folder; each file may end in ``.asc`` or ``.csv``, compressed (``.gz``) or not.

    Raises
    ------
    DataError
        If a file is missing or has other columns.
    """
    tables = {name: read_table(space, Path(settings.path), name) for name in COLUMNS}
    for name in ("disp", "order"):
        file, _, _, malformed = tables[name]
        if malformed:
            raise DataError(f"{file} has lines that are no rows: mend {_first_line(space, malformed)}")
    delivery = Delivery(settings.label, covers_until=ENDS)
    for name, (file, _, rows, _) in tables.items():
        delivery.files[file.name] = rows
        if name == "trans":
            delivery.notes.append(_period(space, settings.label, file, tables[name][1]))
    relations = {name: quoted(relation) for name, (_, relation, _, _) in tables.items()}
    raws = {name: raw_json(list(columns)) for name, columns in COLUMNS.items()}
    for source, canonical, select in _selects(space, relations, raws):
        _, _, rows, malformed = tables[source]
        delivery.staged.append(Staged(canonical, settings.label, space.view(canonical, select), rows, malformed))
    delivery.notes += [
        f"{settings.label}: standing orders ({tables['order'][2]:,} rows) have no date and make no events",
        f"{settings.label}: every client is a customer, joined when the account was opened that he owns or may use; "
        f"accounts, cards, loans and bookings belong to the owner, so those who may only use an account have none",
        f"{settings.label}: all loans were granted (`date` is both application and grant); `status` is the state at "
        f"the end of 1998, its date is unknown, so defaulted_at and closed_at stay empty",
        f"{settings.label}: district figures are of 1995/96 (unemployment: 1996), later than many events",
    ]
    return delivery


def _find(folder: Path, stems: tuple[str, ...]) -> Path:
    for stem in stems:
        for ending in _ENDINGS:
            if (folder / f"{stem}{ending}").exists():
                return folder / f"{stem}{ending}"
    raise DataError(f"no {stems[0]}.asc or {stems[0]}.csv (or .gz) in {folder}: put the published folder there, or "
                    f"correct the path of the berka source")  # fmt: skip


def read_table(space: Workspace, folder: Path, name: str) -> tuple[Path, str, int, str | None]:
    file = _find(folder, ("trans", "trans_head") if name == "trans" else (name,))
    header = read_header(file, LAYOUT)
    require(file, header, list(COLUMNS[name]), LAYOUT)
    read = read_delimited(space, file, LAYOUT, header)
    return file, read.relation, read.rows, read.malformed


def _first_line(space: Workspace, malformed: str) -> str:
    (line, rule), = space.run(f"SELECT source_line, rule FROM {malformed} ORDER BY 1 LIMIT 1")  # fmt: skip
    return f"line {line} first ({rule})"


def _period(space: Workspace, source: str, file: Path, relation: str) -> str:
    """State plainly which days the transaction table covers; the last day of an excerpt may be cut off."""
    (first, last), = space.run(f"SELECT min(strptime(date, '%y%m%d')), max(strptime(date, '%y%m%d')) FROM "
                               f"{quoted(relation)} WHERE regexp_matches(date, '^[0-9]{{6}}$')")  # fmt: skip
    if first is None:
        raise DataError(f"{file} has no dated rows: the transaction table is mandatory")
    whole = last.strftime("%m-%d") == "12-31" and "head" not in file.name
    cut = "an excerpt; its last day may be cut off: choose observed_until no later than that day"
    return f"{source}: transactions cover {first:%Y-%m-%d} to {last:%Y-%m-%d} ({'complete' if whole else cut})"


def _clean(column: str) -> str:
    """Empty and a single blank are two codes for none, ``?`` a third."""
    return f"nullif(nullif(trim({column}), ''), '?')"


def _share(column: str) -> str:
    """Percent to share."""
    return f"coalesce(CAST(TRY_CAST({column} AS DECIMAL(9, 4)) / 100 AS VARCHAR), {_clean(column)})"


def _date(column: str) -> str:
    """YYMMDD, perhaps with a time of midnight, in 19YY; what cannot be read stays as it is, for a rule to name it."""
    return f"coalesce(CAST(try_strptime('19' || left(trim({column}), 6), '%Y%m%d') AS VARCHAR), {column})"


def _birth(column: str) -> str:
    """YYMMDD with 50 added to the month for women; leading zeros may have been lost."""
    digits = f"lpad(trim({column}), 6, '0')"
    month = f"TRY_CAST(substr({digits}, 3, 2) AS INTEGER)"
    plain = f"'19' || left({digits}, 2) || lpad(CAST({month} % 50 AS VARCHAR), 2, '0') || right({digits}, 2)"
    return f"coalesce(CAST(CAST(try_strptime({plain}, '%Y%m%d') AS DATE) AS VARCHAR), {column})"


def _selects(space: Workspace, t: dict[str, str], raw: dict[str, str]) -> list[tuple[str, str, str]]:
    """(source table, canonical table, select) for every canonical table."""
    # One owner per account; a second one would be listed later in the file and is left to the duplicates of the key.
    owners = quoted(space.table("owners", f"""
        SELECT trim(account_id) AS account_id, arg_min(trim(client_id), {LINE}) AS customer_id
        FROM {t["disp"]} WHERE type = 'OWNER' GROUP BY ALL"""))  # fmt: skip
    joined = quoted(space.table("joined", f"""
        SELECT trim(d.client_id) AS customer_id, min({_date("a.date")}) AS joined_at,
          arg_min(trim(a.district_id), {_date("a.date")} || a.{LINE}) AS branch_id
        FROM {t["disp"]} d JOIN {t["account"]} a
          ON trim(a.account_id) = trim(d.account_id) GROUP BY ALL"""))  # fmt: skip
    holders = quoted(space.table("holders", f"""
        SELECT trim(disp_id) AS disp_id, arg_min(trim(client_id), {LINE}) AS customer_id
        FROM {t["disp"]} GROUP BY ALL"""))  # fmt: skip

    def rows(name: str, columns: str, join: str = "") -> str:
        rows = f"SELECT *, {LINE} AS source_line, {raw[name]} AS raw FROM {t[name]}"
        return f"SELECT s.source_line, s.raw, {columns} FROM ({rows}) s {join}"

    owner = f"LEFT JOIN {owners} o ON o.account_id = trim(s.account_id)"
    signs = "CASE s.type WHEN 'PRIJEM' THEN trim(s.amount) WHEN 'VYDAJ' THEN '-' || trim(s.amount) " \
            "WHEN 'VYBER' THEN '-' || trim(s.amount) END"  # fmt: skip
    codes = {"k": _clean("s.k_symbol"), "o": _clean("s.operation")}
    return [
        ("district", "regions", rows("district", f"""s.A1 AS region_id, s.A2 AS name, {_clean("s.A4")} AS population,
            {_share("s.A10")} AS urban_share,
            {_clean("s.A11")} AS average_income,
            {_share("s.A13")} AS unemployment_rate""")),
        ("client", "customers", rows("client", f"""s.client_id AS customer_id, {_birth("s.birth_number")} AS birth_date,
            CASE WHEN TRY_CAST(substr(lpad(trim(s.birth_number), 6, '0'), 3, 2) AS INTEGER) > 50
            THEN 'female' ELSE 'male' END AS gender,
            s.district_id AS region_id, j.branch_id, j.joined_at""",
            f"LEFT JOIN {joined} j ON j.customer_id = trim(s.client_id)")),
        ("account", "accounts", rows("account", f"""s.account_id, o.customer_id, 'current' AS product,
            {_date("s.date")} AS opened_at""", owner)),
        ("card", "accounts", rows("card", f"""'card-' || trim(s.card_id) AS account_id, h.customer_id,
            'credit_card' AS product, {_date("s.issued")} AS opened_at""",
            f"LEFT JOIN {holders} h ON h.disp_id = trim(s.disp_id)")),
        ("loan", "loans", rows("loan", f"""s.loan_id, o.customer_id, {_date("s.date")} AS applied_at, s.amount,
            s.duration AS term_months, s.payments AS monthly_payment, 'granted' AS decision,
            {_date("s.date")} AS granted_at""", owner)),
        ("trans", "transactions", rows("trans", f"""s.trans_id AS transaction_id, o.customer_id, s.account_id,
            {_date("s.date")} AS booked_at, {signs} AS amount, {_KIND.format(**codes)} AS kind,
            {_CHANNEL.format(**codes)} AS channel, {_CATEGORY.format(**codes)} AS category""", owner)),
    ]  # fmt: skip
