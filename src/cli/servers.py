"""Commands that start something to look at in a browser."""

import os
import sys
from typing import Annotated

import typer

from .screen import console
from .terminal import app


@app.command()
def ui(port: int = 5000) -> None:
    """Open MLflow on 127.0.0.1."""
    from ..tracking import client, tracking_uri

    client()
    console.print(f"http://127.0.0.1:{port}/#/experiments?workflowType=machine_learning", markup=False)
    command = [sys.executable, "-m", "mlflow", "ui", "--host", "127.0.0.1", "--port", str(port)]
    # in the environment: an address may hold a password, and command lines are read by everybody
    os.execve(sys.executable, command, {**os.environ, "MLFLOW_BACKEND_STORE_URI": tracking_uri()})  # noqa: S606


@app.command()
def server(
    host: Annotated[str, typer.Option(help="another than this one needs a proxy with TLS before it")] = "127.0.0.1",
    port: int = 5000,
    workers: Annotated[int, typer.Option(min=1, help="processes; see mlflow/README.md before taking more")] = 2,
) -> None:
    """Start MLflow for a team: PostgreSQL, users with roles. Settings: mlflow/README.md, Team server."""
    from ..pipeline.team_server import serve

    serve(host, port, workers)


@app.command()
def server_user(
    name: Annotated[str | None, typer.Argument(help="without it: list users and roles")] = None,
    role: Annotated[str, typer.Option(help="reader, data-scientist or reviewer")] = "reader",
    remove: Annotated[bool, typer.Option(help="delete the user; what the user recorded stays")] = False,
) -> None:
    """Give a user of the team server a role (for administrators); who is new is asked for a password."""
    from ..governance import server_users

    if name is None:
        for user, held in server_users.list_roles().items():
            console.print(f"{user}: {held}", markup=False)
    elif remove:
        server_users.remove_user(name)
        console.print(f"{name}: removed", markup=False)
    else:
        password = os.environ.get(server_users.PASSWORD)
        if not password and name not in server_users.list_roles():
            password = typer.prompt(f"password of {name}", hide_input=True, confirmation_prompt=True)
        new = server_users.set_role(name, role, password)
        console.print(f"{name}: {role}{' (new)' if new else ''}", markup=False)


@app.command()
def lab(
    port: int = 8888,
    options: Annotated[list[str] | None, typer.Argument(help="handed to JupyterLab, after --")] = None,
) -> None:
    """Open JupyterLab on 127.0.0.1; stage notebooks open as notebooks on a double click."""
    from ..catalog import root

    os.chdir(root())
    settings = root() / ".jupyter" / "lab"  # holds overrides.json
    command = ["jupyter", "lab", "--ip=127.0.0.1", f"--port={port}", "--ServerApp.root_dir=."]
    command += [f"--LabApp.app_settings_dir={settings}", *(options or [])]
    os.execv(sys.executable, [sys.executable, "-m", *command])  # noqa: S606 our own interpreter
