"""The team server as a real process on a real PostgreSQL: who may do what, what is kept, what nobody sees."""

import http.client
import json
import re
import socket
import stat
import subprocess
import sys
import threading
from base64 import b64encode
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from afraz import cli, tracking
from afraz.errors import AfrazError, GateError
from afraz.governance import registry, review, server_users
from afraz.governance.champions import read_champions

from .team import TeamServer

pytestmark = pytest.mark.slow

# Eight processes that load MLflow once between them; each is one user with runs, metrics, files and a version
_EIGHT = """
import json, os, sys, warnings
warnings.simplefilter("ignore")
from mlflow import MlflowClient
from mlflow.entities import Metric
address, experiment = sys.argv[1:]
passwords = json.load(sys.stdin)
children = []
for user, password in passwords.items():
    child = os.fork()
    if child:
        children.append(child)
        continue
    os.environ |= {"MLFLOW_TRACKING_USERNAME": user, "MLFLOW_TRACKING_PASSWORD": password}
    client, status = MlflowClient(address, address), 1
    try:
        for number in range(2):
            run = client.create_run(experiment, tags={"writer": user}).info
            for step in range(10):
                client.log_metric(run.run_id, "single", step, step=step)
            client.log_batch(run.run_id, [Metric("batch", s / 7, 1, s) for s in range(100)])
            client.log_text(run.run_id, f"{user} {number}", f"{user}/note.txt")
            client.set_terminated(run.run_id)
        place = f"{run.artifact_uri}/{user}"
        client.create_model_version("together", place, run.run_id, tags={"writer": user}, await_creation_for=0)
        status = 0
    finally:
        os._exit(status)
sys.exit(sum(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) != 0 for child in children))
"""


def _ask(
    team: TeamServer, user: str | None, method: str, path: str, body: object = None, **headers: str
) -> tuple[int, str]:
    """One request exactly as written: no client tidies the path."""
    sent = {"Content-Type": "application/json", **{name.replace("_", "-"): value for name, value in headers.items()}}
    if user is not None:
        sent["Authorization"] = "Basic " + b64encode(f"{user}:{team.passwords[user]}".encode()).decode()
    connection = http.client.HTTPConnection("127.0.0.1", team.port, timeout=60)
    try:
        connection.request(method, path, None if body is None else json.dumps(body), sent)
        answer = connection.getresponse()
        return answer.status, answer.read().decode("utf-8", "replace")
    finally:
        connection.close()


@pytest.fixture
def version(team: TeamServer, monkeypatch: pytest.MonkeyPatch) -> tuple[str, str, str, str]:
    """A model of the data scientist with one version: model, version, run, and the run's path among the artifacts."""
    team.sign_in(monkeypatch, "dara")
    opened = tracking.client()
    run = opened.create_run(tracking.experiment_id(opened, "afraz/churn")).info
    name = f"model-{run.run_id}"
    opened.log_text(run.run_id, "as the reviewer saw it", "dossier.html")
    opened.create_registered_model(name)
    made = opened.create_model_version(name, run.artifact_uri, run.run_id, tags={"afraz.gates": "passed"})
    return name, str(made.version), run.run_id, run.artifact_uri.removeprefix("mlflow-artifacts:/")


def test_nobody_comes_in_without_a_name_and_its_password(team: TeamServer, monkeypatch: pytest.MonkeyPatch) -> None:
    for path in (
        "/", "/graphql", "/api/2.0/mlflow/experiments/search?max_results=1", "/ajax-api/2.0/mlflow/users/list",
        "/api/2.0/mlflow-artifacts/artifacts", "/api/2.0/mlflow-artifacts/artifacts/1/x",
        "/get-artifact?path=x&run_id=y",
    ):  # fmt: skip
        assert _ask(team, None, "GET", path)[0] == 401, path
        assert _ask(team, None, "GET", path, Authorization="Bearer 12345")[0] == 401, path
    team.sign_in(monkeypatch, "dara", "not her password")
    with pytest.raises(AfrazError, match="knows no such user and password: see MLFLOW_TRACKING_USERNAME"):
        tracking.client()
    team.sign_in(monkeypatch, "dara")
    tracking.client()


def test_it_listens_on_one_address(team: TeamServer) -> None:
    socket.create_connection(("127.0.0.1", team.port), timeout=5).close()
    for other in ("127.0.0.2", "::1"):
        with pytest.raises(OSError):  # noqa: PT011 refused, or no such address on this machine
            socket.create_connection((other, team.port), timeout=5)


def test_no_secret_is_shown_and_artifacts_are_for_the_server_alone(team: TeamServer, version: Any) -> None:
    shown = team.command_lines() + team.log.read_text()
    assert "--app-name basic-auth --serve-artifacts --host 127.0.0.1" in shown
    for secret in (team.key, *team.passwords.values(), team.database):
        assert secret not in shown
    file = team.artifacts / version[3] / "dossier.html"
    assert file.read_text() == "as the reviewer saw it"
    assert stat.S_IMODE(file.stat().st_mode) & 0o077 == 0


def test_a_reader_reads_and_writes_nothing(team: TeamServer, version: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    name, number, run, place = version
    experiment = place.split("/")[0]
    team.sign_in(monkeypatch, "rosa")
    opened = tracking.client()
    assert opened.get_model_version(name, number).run_id == run
    assert [found.info.run_id for found in opened.search_runs([experiment])].count(run) == 1
    assert _ask(team, "rosa", "GET", f"/api/2.0/mlflow-artifacts/artifacts/{place}/dossier.html")[0] == 200
    for method, path, body in (
        ("POST", "/api/2.0/mlflow/experiments/create", {"name": "mine"}),
        ("POST", "/api/2.0/mlflow/runs/create", {"experiment_id": experiment}),
        ("POST", "/ajax-api/2.0/mlflow/runs/log-metric", {"run_id": run, "key": "a", "value": 1, "timestamp": 1}),
        ("POST", "/api/2.0/mlflow/runs/set-tag", {"run_id": run, "key": "a", "value": "b"}),
        ("POST", "/api/2.0/mlflow/registered-models/create", {"name": "mine"}),
        ("POST", "/api/2.0/mlflow/model-versions/create", {"name": name, "source": f"mlflow-artifacts:/{place}"}),
        ("PUT", f"/api/2.0/mlflow-artifacts/artifacts/{place}/mine.txt", "x"),
        ("POST", f"/ajax-api/2.0/mlflow/upload-artifact?run_uuid={run}&path=mine.txt", "x"),
    ):
        status, said = _ask(team, "rosa", method, path, body)
        assert (status, "a reader may not write" in said) == (403, True), (path, said)
    assert "mine.txt" not in {file.path for file in opened.list_artifacts(run)}


def test_a_data_scientist_moves_no_alias_by_any_way_and_a_reviewer_does(team: TeamServer, version: Any) -> None:
    name, number, run, place = version
    alias = {"name": name, "alias": "champion", "version": number}
    ways = [
        ("POST", path, alias)
        for path in (
            "/api/2.0/mlflow/registered-models/alias", "/ajax-api/2.0/mlflow/registered-models/alias",
            "/api/2.0/mlflow/registered-models/alias/", "//api/2.0/mlflow/registered-models/alias",
            "/API/2.0/mlflow/registered-models/alias", "/api/3.0/mlflow/registered-models/alias",
            "/api/2.0/mlflow/registered-models/%61lias", "/api/2.0/preview/mlflow/registered-models/alias",
        )
    ]  # fmt: skip
    ways += [
        ("POST", ways[0][1], json.dumps(alias)),  # JSON within JSON, which MLflow reads
        ("DELETE", ways[0][1], {"name": name, "alias": "champion"}),
        ("POST", "/graphql", {"query": 'mutation { testMutation(inputString: "x") { output } }'}),
        ("POST", "/graphql", {"query": "query a { __typename } mutation b { __typename }", "operationName": "b"}),
        ("GET", "/graphql", {"query": 'mutation { testMutation(inputString: "x") { output } }'}),
        ("POST", "/api/2.0/mlflow/model-versions/transition-stage", {**alias, "stage": "Production"}),
        ("DELETE", "/api/2.0/mlflow/model-versions/delete", {"name": name, "version": number}),
        ("DELETE", "/ajax-api/2.0/mlflow/registered-models/delete", {"name": name}),
        ("POST", "/api/2.0/mlflow/registered-models/rename", {"name": name, "new_name": "mine"}),
        ("POST", "/api/2.0/mlflow/runs/delete", {"run_id": run}),
        ("DELETE", f"/api/2.0/mlflow-artifacts/artifacts/{place}/dossier.html", None),
        ("POST", "/api/2.0/mlflow/registered-models/not-invented-yet", alias),
        ("POST", "/api/2.0/mlflow/experiments/create", {"name": "out", "artifact_location": "file:///tmp"}),
        ("POST", "/api/3.0/mlflow/roles/assign", {"username": "dara", "role_id": 3}),
        ("PATCH", "/api/2.0/mlflow/users/update-admin", {"username": "dara", "is_admin": True}),
        ("PATCH", "/api/2.0/mlflow/users/update-password", {"username": "vera", "password": "dara knows it now"}),
    ]
    for method, path, body in ways:
        status, said = _ask(team, "dara", method, path, body)
        assert status == 403, (method, path, status, said)
    for open_to_all in (
        "/static",
        "/health",
        "/favicon.ico",
    ):  # MLflow asks nobody's name under these, nothing is there
        assert _ask(team, "dara", "POST", f"{open_to_all}/..{ways[0][1]}", alias)[0] == 404
    override = _ask(team, "dara", "GET", ways[0][1], alias, X_HTTP_Method_Override="POST")
    assert override[0] in {400, 404}  # read as the GET that it is
    found = _ask(team, "dara", "GET", f"/api/2.0/mlflow/registered-models/alias?name={name}&alias=champion")
    assert found[0] == 400
    assert "alias champion not found" in found[1]
    query = {"query": "{ mlflowSearchModelVersions(input: {}) { modelVersions { name } } }"}
    assert name in _ask(team, "dara", "POST", "/graphql", query)[1]
    assert _ask(team, "vera", "POST", ways[1][1], alias) == (200, "{}")
    assert (
        _ask(team, "vera", "POST", "/api/2.0/mlflow/registered-models/rename", {"name": name, "new_name": f"{name}-b"})[
            0
        ]
        == 200
    )
    assert _ask(team, "vera", "DELETE", "/api/2.0/mlflow/registered-models/delete", {"name": f"{name}-b"})[0] == 200


def test_what_a_reviewer_decided_on_stays_as_it_was(team: TeamServer, version: Any) -> None:
    name, number, run, place = version
    tag = {"name": name, "version": number, "key": "afraz.gates", "value": "failed"}
    writes = [
        ("POST", "/api/2.0/mlflow/model-versions/set-tag", tag),
        ("PATCH", "/api/2.0/mlflow/model-versions/update", {"name": name, "version": number, "description": "new"}),
        ("PUT", f"/api/2.0/mlflow-artifacts/artifacts/{place}/dossier.html", "altered"),
        (
            "PUT",
            f"/ajax-api/2.0/mlflow-artifacts/artifacts/{place.replace(run, f'%25{ord(run[0]):x}{run[1:]}')}/n.txt",
            "x",
        ),
        ("POST", f"/ajax-api/2.0/mlflow/upload-artifact?run_uuid={run}&path=note.txt", "altered"),
    ]
    decision = {"name": name, "version": number, "key": "afraz.review.vera", "value": "approved"}
    assert _ask(team, "dara", "POST", writes[0][1], decision)[0] == 403
    for method, path, body in writes:
        assert _ask(team, "dara", method, path, body)[0] == 200, path
    assert _ask(team, "vera", "POST", writes[0][1], decision)[0] == 200
    for method, path, body in writes:
        status, said = _ask(team, "dara", method, path, body)
        assert (status, "that was decided on" in said) == (403, True), (path, said)
    assert _ask(team, "dara", "POST", writes[0][1], tag | {"key": "note"})[0] == 200
    for method, path, body in writes:
        assert _ask(team, "vera", method, path, body)[0] == 200, path


def _stage(workspace: Path) -> None:
    folder = workspace / "experiments/runs/churn"
    folder.mkdir(parents=True)
    (folder / "provenance.json").write_text(json.dumps({
        "stage": "churn", "notebook": "notebooks/41_churn.py", "notebook_sha256": "n", "params": {"seed": 7},
        "params_sha256": "p", "lock_sha256": None, "inputs": {},
    }))  # fmt: skip
    (folder / "figure.txt").write_text("a picture")


def _afraz(monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    monkeypatch.setattr(sys, "argv", ["afraz", *words])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    return int(ended.value.code or 0)


def test_afraz_records_registers_and_reviews_through_the_server(
    team: TeamServer, rules: Path, add_version: Callable[..., int], monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    _stage(rules)
    runs, metrics = rules / "experiments/runs", rules / "experiments/metrics"
    team.sign_in(monkeypatch, "dara")
    (recorded,) = tracking.record_stages(runs, metrics)
    assert [r.new for r in tracking.record_stages(runs, metrics)] == [False]
    assert tracking.client().get_run(recorded.run_id).info.artifact_uri.startswith("mlflow-artifacts:/")
    number = add_version(0, "fail")
    assert add_version(0) == number  # judged anew before anybody decided
    capsys.readouterr()
    assert _afraz(monkeypatch, "reject", "churn", "--version", str(number), "--note", "not mine") == 1
    refused = capsys.readouterr().err
    assert re.fullmatch(
        r"error: the team server refuses: dara is data-scientist here: .*: ask a reviewer\n", refused
    ), refused
    with pytest.raises(GateError, match="refuses: .*moving the alias champion of churn.: ask a reviewer"):
        registry.move_alias("churn", number, "champion")
    assert read_champions() == {}

    team.sign_in(monkeypatch, "vera")
    assert review.approve("churn", number, "better in every month").line.who == "vera"
    team.sign_in(monkeypatch, "rosa")
    champion = registry.resolve_champion("churn")
    assert champion.version == number
    assert read_champions() == {"churn": champion.digest}
    team.sign_in(monkeypatch, "dara")
    with pytest.raises(GateError, match="refuses: .*describing churn version 1.: ask a reviewer"):
        add_version(0, "fail")
    assert registry.versions("churn")[0]["gates"] == "passed"


def test_users_get_change_and_lose_their_role(team: TeamServer, monkeypatch: pytest.MonkeyPatch) -> None:
    team.sign_in(monkeypatch, "admin")
    password = team.passwords["mina"] = "mina knows it alone"
    experiment = ("POST", "/api/2.0/mlflow/experiments/create", {"name": "of mina"})
    with pytest.raises(GateError, match="mina is new: give a password"):
        server_users.set_role("mina", "reader")
    with pytest.raises(GateError, match="at least 12 characters"):
        server_users.set_role("mina", "reader", "short")
    assert server_users.set_role("mina", "reader", password)
    assert _ask(team, "mina", *experiment)[0] == 403
    assert not server_users.set_role("mina", "data-scientist")
    assert server_users.list_roles() == {"admin": "administrator", "dara": "data-scientist", "mina": "data-scientist",
                                         "rosa": "reader", "vera": "reviewer"}  # fmt: skip
    assert _ask(team, "mina", *experiment)[0] == 200
    with pytest.raises(GateError, match="admin is an administrator"):
        server_users.set_role("admin", "reader")
    server_users.remove_user("mina")
    assert "mina" not in server_users.list_roles()
    team.sign_in(monkeypatch, "vera")
    with pytest.raises(GateError, match="only an administrator may do what is not listed"):
        server_users.set_role("vera", "data-scientist")


def test_eight_who_write_at_once_lose_nothing(team: TeamServer, monkeypatch: pytest.MonkeyPatch) -> None:
    team.sign_in(monkeypatch, "admin")
    users = [f"writer{number}" for number in range(8)]
    for user in users:
        team.passwords[user] = f"{user} and a password"
        server_users.set_role(user, "data-scientist", team.passwords[user])
    opened = tracking.client()
    experiment = tracking.experiment_id(opened, "afraz/together")
    opened.create_registered_model("together")
    done = subprocess.run(
        [sys.executable, "-c", _EIGHT, team.url, experiment],
        input=json.dumps({user: team.passwords[user] for user in users}), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    runs = opened.search_runs([experiment], max_results=100)
    assert sorted(run.data.tags["writer"] for run in runs) == sorted(users * 2)
    assert {run.info.status for run in runs} == {"FINISHED"}
    for run in runs:
        single = opened.get_metric_history(run.info.run_id, "single")
        assert sorted((m.step, m.value) for m in single) == [(step, step) for step in range(10)]
        assert sorted(m.step for m in opened.get_metric_history(run.info.run_id, "batch")) == list(range(100))
    notes = {p.read_text() for run in runs for p in team.artifacts.glob(f"*/{run.info.run_id}/artifacts/*/note.txt")}
    assert notes == {f"{user} {number}" for user in users for number in range(2)}
    versions = opened.search_model_versions("name = 'together'")
    assert sorted(int(v.version) for v in versions) == list(range(1, 9))
    assert {v.tags["writer"] for v in versions} == set(users)
    owner = {run.info.run_id: run.data.tags["writer"] for run in runs}
    assert all(owner[v.run_id] == v.tags["writer"] for v in versions)


def test_a_server_killed_in_the_midst_of_a_run_keeps_what_it_acknowledged_and_the_run_goes_on(
    team: TeamServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    team.sign_in(monkeypatch, "dara")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    opened = tracking.client()
    run = opened.create_run(tracking.experiment_id(opened, "afraz/killed")).info.run_id
    opened.log_text(run, "before", "before.txt")
    acknowledged: list[int] = []
    enough = threading.Event()

    def write() -> None:
        try:
            for step in range(10_000):
                opened.log_metric(run, "step", step, step=step)
                acknowledged.append(step)
                if step == 15:
                    enough.set()
        except Exception:  # whatever the break looks like to the client
            enough.set()

    writer = threading.Thread(target=write)
    writer.start()
    assert enough.wait(60)
    team.kill()
    writer.join(60)
    assert 15 < len(acknowledged) < 10_000
    team.start(workers=1)
    kept = {int(m.value) for m in opened.get_metric_history(run, "step")}
    assert set(acknowledged) <= kept <= {*acknowledged, len(acknowledged)}  # the last may be written, unacknowledged
    assert opened.get_run(run).info.status == "RUNNING"
    opened.log_metric(run, "step", 10_000, step=10_000)
    opened.log_text(run, "after", "after.txt")
    opened.set_terminated(run)
    assert opened.get_run(run).info.status == "FINISHED"
    assert {file.path for file in opened.list_artifacts(run)} == {"before.txt", "after.txt"}
