"""MLflow for a team: PostgreSQL, artifacts through the server, users with roles. Settings come from the environment."""

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from .. import catalog
from ..errors import AfrazError, ParamsError

# MLflow's own names, so that its documentation holds
DATABASE = "MLFLOW_BACKEND_STORE_URI"
ARTIFACTS = "MLFLOW_ARTIFACTS_DESTINATION"
ADMIN = "MLFLOW_AUTH_ADMIN_PASSWORD"
SECRET = "MLFLOW_FLASK_SERVER_SECRET_KEY"  # noqa: S105 the name of a variable
_WANTED = {
    DATABASE: "postgresql://user:password@host:5432/database of an existing, empty or earlier used database",
    ARTIFACTS: "an absolute folder, or s3://…, where artifacts are kept",
    ADMIN: "12 characters or more; the user admin gets it when the server first meets its database",
    SECRET: 'any long random text, the same at every start: python -c "import secrets; print(secrets.token_hex(32))"',
}
# No more than this: each worker may hold 3 pools of 15 connections, PostgreSQL grants 100 by default
WORKERS = 2
# Not handed on: what a client of this checkout may have set, and a prefix, which MLflow compares with the beginnings of
# addresses that need no password (under /static nothing would need one)
_LEFT_OUT = (
    "MLFLOW_TRACKING_URI", "MLFLOW_REGISTRY_URI", "MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD",
    "MLFLOW_STATIC_PREFIX",
)  # fmt: skip


@dataclass(frozen=True)
class Start:
    """What to execute. Secrets are in the environment only, which the system shows to nobody but the same user."""

    command: tuple[str, ...]
    environment: Mapping[str, str] = field(repr=False)


def prepare(given: Mapping[str, str], host: str = "127.0.0.1", port: int = 5000, workers: int = WORKERS) -> Start:
    """Work out command and environment of the server.

    Parameters
    ----------
    given : mapping
        The environment.

    Raises
    ------
    ParamsError
        If a setting is missing or does not serve, naming it and saying what belongs there.

    Examples
    --------
    >>> prepare({})
    Traceback (most recent call last):
    ...
    afraz.errors.ParamsError: the team server needs settings in the environment that are not there:
      MLFLOW_BACKEND_STORE_URI: postgresql://user:password@host:5432/database of an existing, empty or earlier used ...
      MLFLOW_ARTIFACTS_DESTINATION: an absolute folder, or s3://…, where artifacts are kept
      ...
    """
    missing = [f"  {name}: {what}" for name, what in _WANTED.items() if not given.get(name)]
    if missing:
        raise ParamsError(
            "\n".join(["the team server needs settings in the environment that are not there:", *missing])
        )
    if len(given[ADMIN]) < 12:
        raise ParamsError(f"{ADMIN} has {len(given[ADMIN])} characters: MLflow wants 12 or more")
    place = given[ARTIFACTS]
    if "://" not in place and not Path(place).is_absolute():
        raise ParamsError(f"{ARTIFACTS} is relative ({place}): give an absolute folder")
    command = (
        sys.executable, "-m", "mlflow", "server", "--app-name", "basic-auth", "--serve-artifacts",
        "--host", host, "--port", str(port), "--workers", str(workers),
    )  # fmt: skip
    environment = {name: value for name, value in given.items() if name not in _LEFT_OUT} | {
        **_postgres(given[DATABASE]),
        DATABASE: "postgresql+psycopg://",  # the rest in PG…: MLflow hands this address on and may show it
        "MLFLOW_AUTH_CONFIG_PATH": str(catalog.root() / "mlflow" / "team-server.ini"),
        "MLFLOW_BASIC_AUTH_FAIL_CLOSED": "true",
        "MLFLOW_ENABLE_WORKSPACES": "false",  # roles are looked up in one place
        "MLFLOW_SERVER_ENABLE_GRAPHQL_AUTH": "true",
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",  # no one here asks for MLflow's own background jobs
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "DO_NOT_TRACK": "true",
    }
    return Start(command, environment)


def _postgres(url: str) -> dict[str, str]:
    """Translate a database's address into the variables of PostgreSQL's client library.

    Examples
    --------
    >>> _postgres("postgresql://afraz:s%40crt@db/mlflow?sslmode=require")
    {'PGUSER': 'afraz', 'PGPASSWORD': 's@crt', 'PGDATABASE': 'mlflow', 'PGHOST': 'db', 'PGSSLMODE': 'require'}
    >>> _postgres("sqlite:////tmp/mlflow.db")
    Traceback (most recent call last):
    ...
    afraz.errors.ParamsError: MLFLOW_BACKEND_STORE_URI must begin with postgresql://, it begins with sqlite: a team ...
    """
    import psycopg
    from psycopg.conninfo import conninfo_to_dict

    scheme, _, rest = url.partition("://")
    if scheme.partition("+")[0] not in {"postgresql", "postgres"}:
        raise ParamsError(
            f"{DATABASE} must begin with postgresql://, it begins with {scheme.partition(':')[0][:20]}: "
            "a team writes at the same time, which a file database does not bear"
        )
    names = {o.keyword.decode(): o.envvar.decode() for o in psycopg.pq.Conninfo.get_defaults() if o.envvar}
    try:
        stated = conninfo_to_dict(f"postgresql://{rest}")
    except psycopg.ProgrammingError:
        raise ParamsError(f"{DATABASE} is no address of a PostgreSQL database: write {_WANTED[DATABASE]}") from None
    unknown = sorted(set(stated) - set(names))
    if unknown:
        raise ParamsError(f"{DATABASE}: {', '.join(unknown)} cannot be handed on: leave it out, or set it in a service")
    return {names[keyword]: str(value) for keyword, value in stated.items()}


def check_database(environment: Mapping[str, str]) -> None:
    """Connect once, so that a database that does not answer is said in one line.

    Raises
    ------
    AfrazError
        With what the database said.
    """
    import psycopg

    names = {o.envvar.decode(): o.keyword.decode() for o in psycopg.pq.Conninfo.get_defaults() if o.envvar}
    stated = {names[name]: value for name, value in environment.items() if name in names}
    try:
        psycopg.connect(**{"connect_timeout": "10", **stated}).close()  # type: ignore[arg-type]
    except psycopg.OperationalError as error:
        raise AfrazError(f"the database of {DATABASE} does not answer: {str(error).splitlines()[0][:160]}") from None


def serve(host: str, port: int, workers: int) -> None:
    """Become the server; artifacts are written for nobody but its user to read."""
    start = prepare(os.environ, host, port, workers)
    check_database(start.environment)
    os.umask(0o077)
    os.execve(start.command[0], start.command, start.environment)  # noqa: S606 our own interpreter
