"""What the team server is started with: settings from the environment, secrets nowhere else."""

import socket

import pytest

from afraz.errors import AfrazError, ParamsError
from afraz.pipeline.team_server import check_database, prepare

_SETTINGS = {
    "MLFLOW_BACKEND_STORE_URI": "postgresql://afraz:open%20sesame@db.example:5433/runs",
    "MLFLOW_ARTIFACTS_DESTINATION": "/srv/artifacts",
    "MLFLOW_AUTH_ADMIN_PASSWORD": "a-long-password",
    "MLFLOW_FLASK_SERVER_SECRET_KEY": "a-key-that-nobody-guesses",
}


def test_missing_and_unfit_settings_are_named_with_what_to_do() -> None:
    for name in _SETTINGS:
        given = {key: value for key, value in _SETTINGS.items() if key != name}
        with pytest.raises(ParamsError, match="not there") as caught:
            prepare(given)
        assert [line.split(":")[0].strip() for line in str(caught.value).splitlines()[1:]] == [name]
    with pytest.raises(ParamsError, match="MLFLOW_ARTIFACTS_DESTINATION is relative"):
        prepare(_SETTINGS | {"MLFLOW_ARTIFACTS_DESTINATION": "artifacts"})
    with pytest.raises(ParamsError, match="has 5 characters: MLflow wants 12"):
        prepare(_SETTINGS | {"MLFLOW_AUTH_ADMIN_PASSWORD": "short"})
    with pytest.raises(ParamsError, match="must begin with postgresql://, it begins with sqlite"):
        prepare(_SETTINGS | {"MLFLOW_BACKEND_STORE_URI": "sqlite:////tmp/runs.db"})


def test_secrets_are_in_the_environment_alone_and_it_listens_at_home() -> None:
    start = prepare(_SETTINGS | {"MLFLOW_TRACKING_URI": "http://elsewhere", "MLFLOW_STATIC_PREFIX": "/static"})
    assert start.command[start.command.index("--host") + 1] == "127.0.0.1"
    for secret in ("open sesame", "open%20sesame", "a-long-password", "a-key-that-nobody-guesses"):
        assert secret not in f"{start.command} {start!r}"
    assert start.environment["PGPASSWORD"] == "open sesame"
    assert start.environment["MLFLOW_BACKEND_STORE_URI"] == "postgresql+psycopg://"
    assert start.environment["MLFLOW_DISABLE_TELEMETRY"] == "true"
    assert not {"MLFLOW_TRACKING_URI", "MLFLOW_STATIC_PREFIX"} & set(start.environment)


def test_a_database_that_does_not_answer_is_said_in_one_line_without_its_password() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        address = f"postgresql://afraz:open%20sesame@127.0.0.1:{unused.getsockname()[1]}/runs"
        start = prepare(_SETTINGS | {"MLFLOW_BACKEND_STORE_URI": address})
        with pytest.raises(AfrazError, match="MLFLOW_BACKEND_STORE_URI does not answer") as caught:
            check_database(start.environment)
    assert "sesame" not in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1
