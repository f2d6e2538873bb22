"""`afraz next-action`: a desk waits for the answer, so the plain form is met before the other commands are loaded."""

from collections.abc import Sequence
from dataclasses import asdict

from ..pipeline.next_action import next_action
from .screen import console


def answered(arguments: Sequence[str]) -> bool:
    """Answer ``next-action CUSTOMER [--json]``; anything else is left to the application.

    Examples
    --------
    >>> answered(["next-action", "--help"]), answered(["score", "C1"]), answered(["next-action", "C1", "--on"])
    (False, False, False)
    """
    match arguments:
        case ["next-action", customer] if not customer.startswith("-"):
            tell(customer)
        case ["next-action", customer, "--json"] if not customer.startswith("-"):
            tell(customer, json=True)
        case _:
            return False
    return True


def tell(customer: str, *, json: bool = False, on: str | None = None) -> None:
    """Write what to do for a customer, by default today: a table, or one JSON object for programs."""
    today = None
    if on:
        from ..params import iso_date

        today = iso_date(on, "--on")
    found = asdict(next_action(customer, today))
    if json:
        from json import dumps

        print(dumps(found, ensure_ascii=False))
        return
    from rich.table import Table
    from rich.text import Text

    table = Table(show_header=False)
    for name, value in found.items():
        if value is not None:
            table.add_row(name.replace("_", " "), Text(str(value)))
    console.print(table)
