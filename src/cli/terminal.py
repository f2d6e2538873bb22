"""The application that commands hang on."""

import os
import sys
from pathlib import Path

import typer

app = typer.Typer(
    add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False,
    help="`afraz …`: thin commands over the package.",
)  # fmt: skip
ledger_app = typer.Typer(no_args_is_help=True, help="Who moved which champion when, and why.")
app.add_typer(ledger_app, name="ledger")


def use_the_code_of_this_workspace() -> None:
    """Start again with the workspace's own code: a temporary experiment is another folder than the installed one."""
    from ..catalog import root

    link = root() / ".path"
    mine = Path(__file__).resolve().parents[1]
    if link.exists() and (link / "afraz").resolve() != mine and os.environ.get("AFRAZ_REEXEC") != "1":
        path = os.pathsep.join([str(link), *filter(None, [os.environ.get("PYTHONPATH")])])
        os.execve(  # noqa: S606 our own interpreter with our own arguments
            sys.executable, [sys.executable, "-m", "afraz.cli", *sys.argv[1:]],
            {**os.environ, "PYTHONPATH": path, "AFRAZ_REEXEC": "1"},
        )  # fmt: skip
