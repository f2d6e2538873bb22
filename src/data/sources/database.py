"""Reach a database by a URL from an environment variable: it is never logged, kept or shown, passwords are masked."""

import os
import re

import sqlalchemy as sa

from ...errors import DataError, ParamsError


def read_url(variable: str, who: str) -> sa.URL:
    """Read the URL from the named environment variable.

    Parameters
    ----------
    variable : str
        Name of the variable.
    who : str
        Who needs it; errors begin with it.

    Raises
    ------
    ParamsError
        If it is not set, or is no URL; its content is not shown.
    """
    content = os.environ.get(variable)
    if not content:
        raise ParamsError(f"{who}: the environment variable {variable} is not set: "
                          f"export it with the SQLAlchemy URL of the database")  # fmt: skip
    try:
        url = sa.make_url(content)
    except sa.exc.ArgumentError:
        raise ParamsError(f"{who}: ${variable} is no SQLAlchemy URL: "
                          f"write it as dialect://user:password@host:port/database") from None  # fmt: skip
    return url.set(drivername="postgresql+psycopg") if url.drivername in ("postgresql", "postgres") else url


def open_engine(url: sa.URL, who: str) -> sa.Engine:
    """Create the engine; parameters are hidden from its messages.

    Raises
    ------
    DataError
        If the driver of that kind of database is not installed.
    """
    try:
        return sa.create_engine(url, hide_parameters=True)
    except (sa.exc.NoSuchModuleError, ImportError) as error:
        raise DataError(f"{who}: no driver for {url.drivername} is installed "
                        f"({masked(str(error), url)}): install it into .venv") from None  # fmt: skip


def masked(message: str, url: sa.URL) -> str:
    """Blot the password out of a message, wherever the driver may have put it.

    Examples
    --------
    >>> masked("no entry for reader:s3cret@db", sa.make_url("postgresql://reader:s3cret@db/bank"))
    'no entry for reader:***@db'
    """
    secrets = [str(url.password)] if url.password else []
    secrets += [str(v) for k, v in url.query.items() if re.search("pass|secret|token|key", k, re.IGNORECASE)]
    for secret in sorted(secrets, key=len, reverse=True):
        message = message.replace(secret, "***")
    return message


def place_of(url: sa.URL) -> str:
    """Name host and database, without user and password.

    Examples
    --------
    >>> place_of(sa.make_url("postgresql://reader:s3cret@db:5433/bank"))
    'db:5433/bank'
    """
    host = url.host or url.query.get("host") or "localhost"
    return f"{host}{f':{url.port}' if url.port else ''}/{url.database or ''}"


def cause_of(error: sa.exc.SQLAlchemyError, url: sa.URL) -> str:
    """First line of what the driver said, masked, without the statement and its parameters."""
    original = getattr(error, "orig", None)
    return masked(str(original if original is not None else error).strip().splitlines()[0].rstrip("."), url)
