"""A small model, a registry that knows it, and a team server with a user of each role."""

import secrets
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import lightgbm as lgb
import numpy as np
import pandas as pd
import psycopg
import pytest

from afraz import tracking
from afraz.governance import registry, server_users
from afraz.governance.checks import Outcome
from afraz.governance.entries import Entry
from afraz.governance.gates import Gate
from afraz.models.artifact import Artifact, folder_digest

from .team import USERS, TeamServer

FEATURES = ("recency", "spend")


def _small_artifact(seed: int) -> tuple[Artifact, pd.DataFrame]:
    """A two-feature LightGBM model with one calibrated output, and rows to score."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(600, 2))
    y = (x[:, 0] + rng.normal(size=600) > 1).astype(float)
    booster = lgb.train(
        {"objective": "binary", "num_leaves": 4, "verbose": -1, "deterministic": True, "num_threads": 1, "seed": seed},
        lgb.Dataset(x, y, feature_name=list(FEATURES)), num_boost_round=10,
    )  # fmt: skip
    spec = {
        "format": 1,
        "model": "churn",
        "features": [{"name": n, "type": "double"} for n in FEATURES],
        "heads": [{"name": "leave", "kind": "lightgbm", "file": "leave.txt"}],
        "outputs": [{"name": "leave_90", "head": "leave", "knots_margin": [-9, 9], "knots_log_odds": [-9, 9]}],
    }
    return Artifact(spec, {"leave": booster}), pd.DataFrame(x, columns=list(FEATURES))


@pytest.fixture(scope="session")
def small_artifact() -> Callable[[int], tuple[Artifact, pd.DataFrame]]:
    return _small_artifact


RULES = """\
churn:
  {owner: o, tier: 2, approvals: 1, valid_for_days: 365, purpose: p, limits: l, checks: [AFZ001], bounds: {}}
credit:
  {owner: r, tier: 1, approvals: 2, valid_for_days: 365, purpose: p, limits: l, checks: [AFZ001], bounds: {}}
"""


@pytest.fixture
def rules(store: Path) -> Path:
    """A workspace with an empty store and two models in ``registry.yaml``: churn needs one approval, credit two."""
    (store / "mlflow/registry.yaml").write_text(RULES)
    return store


@pytest.fixture
def add_version(rules: Path, small_artifact: Callable[[int], tuple[Artifact, object]]) -> Callable[..., int]:
    """Register another version, by its seed, whose check passed or failed."""

    def add(seed: int, status: str = "pass", model: str = "churn") -> int:
        folder = rules / f"{model}-{seed}"
        small_artifact(seed)[0].save(folder)
        opened = tracking.client()
        run_id = opened.create_run(tracking.experiment_id(opened, f"afraz/{model}")).info.run_id
        gate = Gate(model, folder_digest(folder), (Outcome("AFZ001", "Quality", "blocking", status, "evidence"),))
        entry = Entry(model, "o", 2, 1, 365, "p", "l", ("AFZ001",), {})
        return registry.register(gate, folder, run_id, entry)

    return add


@pytest.fixture(scope="module")
def team(postgres: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TeamServer]:
    """A server with the users of :data:`USERS`, on a database of its own."""
    name = f"team_{secrets.token_hex(4)}"
    with psycopg.connect(postgres.get_uri(), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    server = TeamServer(tmp_path_factory.mktemp("team"), postgres.get_uri().replace("/postgres?", f"/{name}?"))
    server.start()
    try:
        with pytest.MonkeyPatch.context() as patch:
            server.sign_in(patch, "admin")
            for user, role in USERS.items():
                assert server_users.set_role(user, role, server.passwords[user])
        yield server
    finally:
        if server.process is not None:
            server.kill()
