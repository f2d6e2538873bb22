from pathlib import Path

import pytest

from afraz.errors import ParamsError, StageError
from afraz.params import load_params, notebook_of, parameters_cell, read_yaml


def test_values_of_both_files_and_overrides_are_merged(workspace: Path) -> None:
    assert load_params("first", workspace, {"rows": 5}) == {"seed": 7, "rows": 5, "fail": False}


def test_an_unknown_key_names_file_key_and_nearest(workspace: Path) -> None:
    (workspace / "params/first.yaml").write_text("rwos: 3\n")
    with pytest.raises(ParamsError, match=r"params/first.yaml: unknown parameter 'rwos': did you mean rows\?"):
        load_params("first", workspace)


def test_a_common_key_that_no_notebook_declares_is_refused(workspace: Path) -> None:
    (workspace / "params/common.yaml").write_text("sead: 7\n")
    with pytest.raises(ParamsError, match=r"params/common.yaml: unknown parameter 'sead': did you mean seed\?"):
        load_params("first", workspace)


@pytest.mark.parametrize("value", ["three", "'3'", "3.5", "[3]", "true", "null"])
def test_a_wrong_type_says_what_was_expected_and_what_arrived(workspace: Path, value: str) -> None:
    (workspace / "params/first.yaml").write_text(f"rows: {value}\n")
    with pytest.raises(ParamsError, match="params/first.yaml: rows: expected int, got"):
        load_params("first", workspace)


def test_a_key_in_both_files_is_refused(workspace: Path) -> None:
    (workspace / "params/first.yaml").write_text("seed: 8\n")
    with pytest.raises(ParamsError, match="seed stands in params/common.yaml and in params/first.yaml"):
        load_params("first", workspace)


def test_a_repeated_key_is_refused(workspace: Path) -> None:
    (workspace / "params/first.yaml").write_text("rows: 3\nrows: 4\n")
    with pytest.raises(ParamsError, match="stands twice"):
        load_params("first", workspace)


def test_yaml_cannot_build_objects(tmp_path: Path) -> None:
    file = tmp_path / "evil.yaml"
    file.write_text("x: !!python/object/apply:os.system ['true']\n")
    with pytest.raises(ParamsError, match="not readable as YAML"):
        read_yaml(file)


def test_dates_arrive_as_text(tmp_path: Path) -> None:
    file = tmp_path / "p.yaml"
    file.write_text("as_of: 2026-07-01\n")
    assert read_yaml(file) == {"as_of": "2026-07-01"}


def test_a_parameters_cell_with_code_is_refused() -> None:
    with pytest.raises(ParamsError, match="holds only `name: type = literal`"):
        parameters_cell('# %% tags=["parameters"]\nseed = 7\n')


def test_an_unknown_stage_names_the_nearest(workspace: Path) -> None:
    with pytest.raises(StageError, match=r"no stage 'frist'.*did you mean first\?"):
        notebook_of("frist", workspace)
