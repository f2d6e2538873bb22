"""Which version each alias ``champion`` points at, asked of the store without loading MLflow.

Loading MLflow takes longer than a reviewer who asks what waits, or a stage that scores, should wait, so this one
question is put to the store's database or its REST interface directly. Everything else goes through
:mod:`afraz.governance.registry`; tests hold the answers against MLflow's own.
"""

import os
from typing import TYPE_CHECKING, Any

from ..errors import AfrazError
from ..tracking import store_exists, tracking_uri

if TYPE_CHECKING:
    import sqlalchemy as sa

_SECONDS = 10
_DELETED = "Deleted_Internal"  # MLflow keeps the row of a version that was deleted, and says so in its stage


def champion_aliases() -> dict[str, int]:
    """Model → version of its alias ``champion``; empty for a store that does not exist yet.

    Raises
    ------
    AfrazError
        If the store does not answer.
    """
    uri = tracking_uri()
    if not store_exists():
        return {}
    return _asked_of_server(uri) if uri.startswith("http") else _asked_of_database(uri)


def tagged_champion(name: str, tag: str) -> tuple[int, str] | None:
    """The version that a model's alias ``champion`` points at in a database, and what a tag of that version says.

    Returns
    -------
    tuple of (int, str), optional
        The text is empty for a version without the tag; None if there is no alias, or no store yet.

    Raises
    ------
    AfrazError
        If the database does not answer.
    """
    import sqlalchemy as sa

    if not store_exists():
        return None
    alias = _table("registered_model_aliases", "name", "alias", "version")
    version = _table("model_versions", "name", "version", "current_stage")
    tags = _table("model_version_tags", "name", "version", "key", "value")
    same = (version.c.name == alias.c.name) & (version.c.version == alias.c.version)
    of_it = (tags.c.name == alias.c.name) & (tags.c.version == alias.c.version) & (tags.c.key == tag)
    asked = (
        sa.select(alias.c.version, tags.c.value)
        .select_from(alias.join(version, same).outerjoin(tags, of_it))
        .where(alias.c.alias == "champion", alias.c.name == name, version.c.current_stage != _DELETED)
    )
    rows = _rows(tracking_uri(), asked)
    return (int(rows[0].version), rows[0].value or "") if rows else None


def _asked_of_database(uri: str) -> dict[str, int]:
    import sqlalchemy as sa

    table = _table("registered_model_aliases", "name", "alias", "version")
    asked = sa.select(table.c.name, table.c.version).where(table.c.alias == "champion")
    return {str(row.name): int(row.version) for row in _rows(uri, asked)}


def _table(name: str, *columns: str) -> "sa.TableClause":
    import sqlalchemy as sa

    return sa.table(name, *map(sa.column, columns))


def _rows(uri: str, asked: "sa.Select[Any]") -> "list[sa.Row[Any]]":
    """What a database answers; nothing where MLflow has not made its tables yet."""
    import sqlalchemy as sa

    engine = sa.create_engine(uri)
    try:
        if not sa.inspect(engine).has_table("registered_model_aliases"):
            return []
        with engine.connect() as opened:
            return list(opened.execute(asked))
    except sa.exc.SQLAlchemyError as error:
        raise AfrazError(f"the tracking database does not answer: {type(error).__name__}") from None
    finally:
        engine.dispose()


def _asked_of_server(uri: str) -> dict[str, int]:
    import requests

    name, password = os.environ.get("MLFLOW_TRACKING_USERNAME"), os.environ.get("MLFLOW_TRACKING_PASSWORD")
    found: dict[str, int] = {}
    token = ""
    while True:
        try:
            answer = requests.get(
                f"{uri.rstrip('/')}/api/2.0/mlflow/registered-models/search",
                params={"max_results": "1000", **({"page_token": token} if token else {})},
                auth=(name, password) if name and password else None, timeout=_SECONDS,
            )  # fmt: skip
            answer.raise_for_status()
        except requests.RequestException as error:
            raise AfrazError(f"the MLflow server does not answer: {type(error).__name__}") from None
        page = answer.json()
        for model in page.get("registered_models", []):
            for alias in model.get("aliases", []):
                if alias["alias"] == "champion":
                    found[model["name"]] = int(alias["version"])
        token = page.get("next_page_token", "")
        if not token:
            return found
