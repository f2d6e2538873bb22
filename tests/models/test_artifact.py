import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import lightgbm as lgb
import numpy as np
import pandas as pd
import pytest

from afraz.errors import ArtifactError
from afraz.models.artifact import (
    Artifact,
    booster_text,
    folder_digest,
    folder_inside,
    load_artifact,
    save_artifact,
)
from afraz.models.contract import contract_findings

LEVELS = {"north": 0.1, "south": 0.5, "west": -0.3}
ROWS = 1500


def table(rows: int = ROWS, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({f"f{i}": rng.normal(size=rows) for i in range(4)})
    frame.loc[::7, "f0"] = np.nan
    return frame.assign(count=rng.integers(0, 5, rows), region=rng.choice(list(LEVELS), rows))


def encoded(frame: pd.DataFrame) -> np.ndarray:
    return frame.assign(region=frame["region"].map(LEVELS)).to_numpy(dtype=float)


def label(frame: pd.DataFrame) -> np.ndarray:
    noise = np.random.default_rng(1).normal(size=len(frame))
    return (np.nan_to_num(encoded(frame)).sum(axis=1) + noise > 2).astype(int)


def train(frame: pd.DataFrame, **settings: Any) -> lgb.Booster:
    settings = {"objective": "binary", "num_leaves": 8, "verbose": -1, "num_threads": 1, "seed": 3, **settings}
    categorical = settings.pop("categorical", "auto")
    return lgb.train(settings, lgb.Dataset(encoded(frame), label(frame), categorical_feature=categorical), 15)


def spec_of(frame: pd.DataFrame, **changes: Any) -> dict[str, Any]:
    features: list[dict[str, Any]] = [{"name": n, "type": "double"} for n in frame if n != "region"]
    features.append({"name": "region", "type": "text", "levels": LEVELS, "missing": None, "other": 0.0})
    outputs = [
        {"name": f"leave_{days}", "head": "leave", "knots_margin": [-3, 0, 3],
         "knots_log_odds": [-4 + days / 30, -1 + days / 30, 2 + days / 30]}
        for days in (30, 60, 90)
    ]  # fmt: skip
    return {
        "format": 1, "model": "churn", "features": features,
        "heads": [{"name": "leave", "kind": "lightgbm", "file": "leave.txt"}], "outputs": outputs, **changes,
    }  # fmt: skip


def linear_spec(frame: pd.DataFrame, **head: Any) -> dict[str, Any]:
    width = frame.shape[1]
    full = {"name": "leave", "kind": "linear", "intercept": -1.0, "coefficients": [0.5] * width, "means": [0.2] * width,
            "scales": [2.0] * width, **head}  # fmt: skip
    return spec_of(frame, heads=[full])


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    return table()


@pytest.fixture(scope="module")
def artifact(frame: pd.DataFrame) -> Artifact:
    return Artifact(spec_of(frame), {"leave": train(frame)})


@pytest.fixture
def folder(artifact: Artifact, tmp_path: Path) -> Path:
    return save_artifact(artifact, tmp_path / "model")


def test_a_saved_model_predicts_what_it_predicted_at_training(
    artifact: Artifact, folder: Path, frame: pd.DataFrame
) -> None:
    loaded = load_artifact(folder, folder_digest(folder))
    assert loaded.predict(frame).equals(artifact.predict(frame))
    assert np.array_equal(artifact.margins(frame)["leave"], train(frame).predict(encoded(frame), raw_score=True))


def test_probabilities_never_fall_with_the_horizon(artifact: Artifact, frame: pd.DataFrame) -> None:
    scored = artifact.predict(frame)
    assert (scored["leave_30"] <= scored["leave_60"]).all()
    assert (scored["leave_60"] <= scored["leave_90"]).all()
    assert scored.to_numpy().min() > 0
    assert scored.to_numpy().max() < 1


def test_calibration_is_piecewise_linear_in_log_odds_and_flat_beyond_its_knots() -> None:
    frame = pd.DataFrame({"x": [-9.0, -1.0, 0.0, 1.0, 9.0]})
    spec = {
        "format": 1, "model": "toy", "features": [{"name": "x", "type": "double"}],
        "heads": [{"name": "h", "kind": "linear", "intercept": 0, "coefficients": [1], "means": [0], "scales": [1]}],
        "outputs": [{"name": "p", "head": "h", "knots_margin": [-2, 0, 2], "knots_log_odds": [-1, 0, 4]}],
    }  # fmt: skip
    found = Artifact(spec, {}).predict(frame)["p"]
    assert np.allclose(np.log(found / (1 - found)), [-1, -0.5, 0, 2, 4])


def test_a_linear_head_imputes_clips_and_counts_what_is_missing() -> None:
    head = {"name": "h", "kind": "linear", "intercept": 1.0, "coefficients": [2.0], "means": [10.0], "scales": [5.0],
            "impute": [12.0], "lower": [None], "upper": [20.0], "missing_coefficients": [0.25]}  # fmt: skip
    spec = {"format": 1, "model": "toy", "features": [{"name": "x", "type": "double"}], "heads": [head],
            "outputs": [{"name": "m", "head": "h", "link": "identity"}]}  # fmt: skip
    found = Artifact(spec, {}).predict(pd.DataFrame({"x": [15.0, 100.0, None]}))["m"]
    assert found.tolist() == pytest.approx([3.0, 5.0, 1.0 + 2.0 * 0.4 + 0.25])


def test_same_data_and_seed_give_the_same_bytes_with_any_number_of_threads(frame: pd.DataFrame, tmp_path: Path) -> None:
    one = save_artifact(Artifact(spec_of(frame), {"leave": train(frame, num_threads=1)}), tmp_path / "one")
    two = save_artifact(Artifact(spec_of(frame), {"leave": train(frame, num_threads=2)}), tmp_path / "two")
    assert folder_digest(one) == folder_digest(two)
    other = save_artifact(Artifact(spec_of(frame), {"leave": train(frame, num_leaves=9)}), tmp_path / "other")
    assert folder_digest(other) != folder_digest(one)


def test_saving_a_loaded_model_gives_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    again = save_artifact(load_artifact(folder), tmp_path / "again")
    assert folder_digest(again) == folder_digest(folder)


def test_the_digest_ignores_what_mlflow_adds_but_not_a_smuggled_file(folder: Path) -> None:
    before = folder_digest(folder)
    (folder / "MLmodel").write_text("flavors: {}")
    assert folder_digest(folder) == before
    (folder / "extra.txt").write_text("x")
    assert folder_digest(folder) != before


@pytest.mark.parametrize("name", ["leave.txt", "pyfunc.py"])
def test_an_altered_file_is_refused_without_any_outside_digest(folder: Path, name: str) -> None:
    (folder / name).write_text((folder / name).read_text() + " ")
    with pytest.raises(ArtifactError, match=f"model/{name} was altered: digest .*\nRestore the original"):
        load_artifact(folder)


def test_an_altered_spec_is_refused_by_the_registered_digest(folder: Path) -> None:
    approved = folder_digest(folder)
    spec = json.loads((folder / "model.json").read_text())
    spec["outputs"][0]["knots_log_odds"][0] -= 1
    (folder / "model.json").write_text(json.dumps(spec))
    with pytest.raises(ArtifactError, match=f"altered: digest .* expected {approved[:12]}"):
        load_artifact(folder, approved)


def test_a_folder_without_a_file_or_spec_says_what_to_do(folder: Path, tmp_path: Path) -> None:
    (folder / "leave.txt").unlink()
    with pytest.raises(ArtifactError, match=r"lacks leave\.txt: restore it"):
        load_artifact(folder)
    with pytest.raises(ArtifactError, match=r"not a model folder: model\.json is missing"):
        load_artifact(tmp_path / "nothing")
    (folder / "model.json").write_text("{")
    with pytest.raises(ArtifactError, match="is not JSON"):
        load_artifact(folder)


def test_saving_never_overwrites_a_folder_that_is_not_a_model(artifact: Artifact, tmp_path: Path) -> None:
    (tmp_path / "letters").mkdir()
    (tmp_path / "letters" / "dear.txt").write_text("kept")
    with pytest.raises(ArtifactError, match="is not a model folder"):
        save_artifact(artifact, tmp_path / "letters")
    assert (tmp_path / "letters" / "dear.txt").read_text() == "kept"


def test_a_model_keeps_the_code_that_it_was_saved_with(folder: Path, frame: pd.DataFrame) -> None:
    code = (folder / "pyfunc.py").read_text().replace("1.0 / (1.0 + np.exp(-score))", "np.full(len(score), 0.5)")
    (folder / "pyfunc.py").write_text(code)
    spec = json.loads((folder / "model.json").read_text())
    del spec["files"]
    (folder / "model.json").write_text(json.dumps(spec))
    assert (load_artifact(folder).predict(frame) == 0.5).all(axis=None)


def test_a_missing_column_is_refused_by_name_and_text_in_a_number_without_its_value(
    artifact: Artifact, frame: pd.DataFrame
) -> None:
    with pytest.raises(ArtifactError, match="1 of 6 columns of model 'churn' are missing: f2; add them"):
        artifact.predict(frame.drop(columns="f2"))
    with pytest.raises(ArtifactError, match=r"column 'f1' must hold numbers, it holds string") as refused:
        artifact.predict(frame.assign(f1="IBAN 123"))
    assert "IBAN" not in str(refused.value)
    with pytest.raises(ArtifactError, match="column 'f1' must hold numbers, it holds datetime64"):
        artifact.predict(frame.assign(f1=pd.Timestamp("2026-01-01")))
    with pytest.raises(ArtifactError, match="column 'f1' appears 2 times"):
        artifact.predict(pd.concat([frame, frame[["f1"]]], axis=1))


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"zero_as_missing": True}, "zero_as_missing"),
        ({"categorical": [4], "min_data_per_group": 5}, "native categoricals"),
        ({"linear_tree": True}, "linear trees"),
    ],
)
def test_boosters_that_cannot_be_kept_faithfully_are_refused(
    frame: pd.DataFrame, settings: dict[str, Any], reason: str
) -> None:
    with pytest.raises(ArtifactError, match=reason):
        Artifact(spec_of(frame), {"leave": train(frame, **settings)})


def test_a_booster_trained_on_other_features_is_refused(frame: pd.DataFrame) -> None:
    with pytest.raises(ArtifactError, match="trained on 6 features, the spec lists 5"):
        Artifact(spec_of(frame.drop(columns="f3")), {"leave": train(frame)})
    data = lgb.Dataset(encoded(frame), label(frame), feature_name=["f1", "f0", "f2", "f3", "count", "region"])
    swapped = lgb.train({"objective": "binary", "verbose": -1, "num_threads": 1}, data, 2)
    with pytest.raises(ArtifactError, match="feature 0 is 'f1' in the booster and 'f0' in the spec"):
        Artifact(spec_of(frame), {"leave": swapped})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"outputs": []}, "no outputs"),
        ({"outputs": [{"name": "p", "head": "live"}]}, "did you mean leave"),
        ({"outputs": [{"name": "p", "head": "leave", "knots_margin": [0, 0], "knots_log_odds": [0, 1]}]}, "must rise"),
        ({"outputs": [{"name": "p", "head": "leave", "knots_margin": [0, 1], "knots_log_odds": [1, 0]}]}, "must rise"),
        ({"outputs": [{"name": "p", "head": "leave", "knots_margin": [0, 1], "knots_log_odds": [0, float("nan")]}]},
         "must rise"),
        ({"outputs": [
            {"name": "p30", "head": "leave", "knots_margin": [-1, 1], "knots_log_odds": [-1, 1]},
            {"name": "p60", "head": "leave", "knots_margin": [-1, 0, 1], "knots_log_odds": [-0.9, -0.5, 2]}]},
         "'p60' falls below 'p30'"),
        ({"heads": [{"name": "leave", "kind": "forest"}]}, "kind 'forest'"),
        ({"heads": [{"name": "leave", "kind": "lightgbm", "file": "../leave.txt"}]}, r"a file such as leave\.txt"),
        ({"features": [{"name": "f0", "type": "category"}]}, "expected double or text"),
    ],
)  # fmt: skip
def test_a_spec_that_breaks_the_contract_is_refused(frame: pd.DataFrame, change: dict[str, Any], message: str) -> None:
    with pytest.raises(ArtifactError, match=message):
        Artifact(spec_of(frame, **change), {"leave": train(frame)})


def test_a_linear_spec_with_lists_of_the_wrong_length_is_refused(frame: pd.DataFrame) -> None:
    with pytest.raises(ArtifactError, match="means of head 'leave' has 2 entries for 6 features"):
        Artifact(linear_spec(frame, means=[0.0, 1.0]), {})
    assert len(Artifact(linear_spec(frame), {}).predict(frame)) == ROWS


def test_strange_but_lawful_tables_score_and_unlawful_ones_are_refused(folder: Path, frame: pd.DataFrame) -> None:
    assert contract_findings(folder, frame, probe=False) == []


def test_the_contract_finds_a_model_that_cannot_bear_an_unseen_level(folder: Path, frame: pd.DataFrame) -> None:
    code = (folder / "pyfunc.py").read_text()
    (folder / "pyfunc.py").write_text(code.replace("levels.get(_whole(value), other)", "levels[value]"))
    spec = json.loads((folder / "model.json").read_text())
    del spec["files"]
    (folder / "model.json").write_text(json.dumps(spec))
    found = contract_findings(folder, frame, probe=False)
    assert found == ["an unseen level in region: does not score (KeyError)"]


def test_text_is_recognised_whatever_type_carries_it(artifact: Artifact, frame: pd.DataFrame) -> None:
    expected = artifact.predict(frame)
    for kind in ("object", "str", "category"):
        assert artifact.predict(frame.assign(region=frame["region"].astype(kind))).equals(expected)


def test_integers_that_became_floats_keep_their_level() -> None:
    spec = {
        "format": 1, "model": "toy",
        "features": [{"name": "code", "type": "text", "levels": {"1": 5.0, "2": 7.0}, "missing": -1.0, "other": 0.0}],
        "heads": [{"name": "h", "kind": "linear", "intercept": 0, "coefficients": [1], "means": [0], "scales": [1]}],
        "outputs": [{"name": "m", "head": "h", "link": "identity"}],
    }  # fmt: skip
    found = Artifact(spec, {}).predict(pd.DataFrame({"code": [1.0, None, 2.0, 3.0]}))
    assert found["m"].tolist() == [5.0, -1.0, 7.0, 0.0]


def test_a_model_scores_without_importing_mlflow(folder: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from afraz.models.artifact import load_artifact;"
        f"load_artifact(Path({str(folder)!r})); assert 'mlflow' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_text_of_a_booster_does_not_name_threads(frame: pd.DataFrame) -> None:
    assert "num_threads" not in booster_text(train(frame))


@pytest.mark.slow
def test_it_stands_alone_through_mlflow_without_pickle_or_this_project(folder: Path, frame: pd.DataFrame) -> None:
    assert contract_findings(folder, frame) == []


@pytest.mark.slow
def test_the_probe_finds_a_model_that_needs_this_project(folder: Path, frame: pd.DataFrame) -> None:
    code = (folder / "pyfunc.py").read_text()
    (folder / "pyfunc.py").write_text(code.replace("import lightgbm as lgb", "import lightgbm as lgb\nimport afraz"))
    spec = json.loads((folder / "model.json").read_text())
    del spec["files"]
    (folder / "model.json").write_text(json.dumps(spec))
    found = contract_findings(folder, frame)
    assert len(found) == 1
    assert "afraz is hidden: a model folder must not need it" in found[0]


@pytest.mark.slow
def test_mlflow_stores_the_folder_as_it_is(folder: Path, frame: pd.DataFrame, tmp_path: Path) -> None:
    code = (
        "import sys, mlflow, pandas as pd; from pathlib import Path;"
        "from afraz.models.artifact import folder_digest, folder_inside, log_kwargs;"
        "from afraz.scoring.batch import score_frame;"
        "folder, stored = Path(sys.argv[1]), Path(sys.argv[2]);"
        "mlflow.pyfunc.save_model(stored, **log_kwargs(folder));"
        "assert folder_digest(folder_inside(stored)) == folder_digest(folder);"
        "model = mlflow.pyfunc.load_model(str(stored));"
        "score_frame(model.unwrap_python_model().predictor, pd.read_parquet(sys.argv[3])).to_parquet(sys.argv[4])"
    )
    frame.to_parquet(tmp_path / "in.parquet")
    arguments = [folder, tmp_path / "stored", tmp_path / "in.parquet", tmp_path / "out.parquet"]
    subprocess.run([sys.executable, "-W", "ignore", "-c", code, *map(str, arguments)], check=True, capture_output=True)
    assert pd.read_parquet(tmp_path / "out.parquet").equals(load_artifact(folder).predict(frame))
    requirements = (tmp_path / "stored" / "requirements.txt").read_text().split()
    assert [line.split("==")[0] for line in requirements] == ["mlflow", "lightgbm", "numpy", "pandas"]
    assert not [p for p in (tmp_path / "stored").rglob("*") if p.suffix == ".pkl"]


def test_a_foreign_mlflow_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match="holds 0 model folders"):
        folder_inside(tmp_path)
    shutil.rmtree(tmp_path)
