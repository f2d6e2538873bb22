"""Which version each alias ``champion`` points at, asked of the store without loading MLflow.

Loading MLflow takes longer than a reviewer who asks what waits is willing to wait, so this one question is put to the
store's database or its REST interface directly. Everything else goes through :mod:`afraz.governance.registry`; a test
holds the two answers against each other.
"""

import os

from ..errors import AfrazError
from ..tracking import store_exists, tracking_uri

_SECONDS = 10


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


def _asked_of_database(uri: str) -> dict[str, int]:
    import sqlalchemy as sa

    engine = sa.create_engine(uri)
    try:
        if not sa.inspect(engine).has_table("registered_model_aliases"):
            return {}
        table = sa.table("registered_model_aliases", sa.column("name"), sa.column("alias"), sa.column("version"))
        with engine.connect() as opened:
            rows = opened.execute(sa.select(table.c.name, table.c.version).where(table.c.alias == "champion"))
            return {str(name): int(version) for name, version in rows}
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
