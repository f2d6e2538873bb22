"""What must agree with what: dvc.yaml, notebooks, params and catalog; and the house rules for notebooks."""

import ast
import re
from pathlib import Path

import pytest

from afraz.datasets import CATALOG
from afraz.params import load_params, notebook_of, parameters_cell, read_yaml
from afraz.pipeline.stages import code_deps, read_stages

REPO = Path(__file__).resolve().parents[1]
STAGES = read_stages(REPO)
NOTEBOOKS = sorted((REPO / "notebooks").glob("[0-9][0-9]_*.py"))


def _cells(notebook: Path) -> list[tuple[str, list[str]]]:
    cells: list[tuple[str, list[str]]] = []
    for line in notebook.read_text("utf-8").splitlines():
        if line.startswith("# %%"):
            cells.append((line, []))
        elif cells:
            cells[-1][1].append(line)
    return cells


def _code(lines: list[str]) -> list[str]:
    return [line for line in lines if line.strip() and not line.lstrip().startswith("#")]


def test_stages_notebooks_and_params_files_are_one_to_one() -> None:
    names = {n.stem[3:] for n in NOTEBOOKS}
    assert names == set(STAGES)
    assert {p.stem for p in (REPO / "params").glob("*.yaml")} - {"common"} == names


@pytest.mark.parametrize("stage", STAGES)
def test_code_deps_are_what_the_notebook_imports(stage: str) -> None:
    stated = {d for d in STAGES[stage].deps if d.startswith(("src/", "notebooks/"))}
    assert stated == set(code_deps(stage, REPO)), "run `afraz deps --write`"


@pytest.mark.parametrize("stage", STAGES)
def test_params_file_and_parameters_cell_hold_the_same_names(stage: str) -> None:
    cell = {p.name for p in parameters_cell(notebook_of(stage, REPO).read_text("utf-8"))}
    own = set(read_yaml(REPO / "params" / f"{stage}.yaml"))
    shared = set(read_yaml(REPO / "params" / "common.yaml"))
    assert own <= cell
    assert cell - own <= shared
    assert load_params(stage, REPO)


@pytest.mark.parametrize("stage", STAGES)
def test_dvc_tracks_every_parameter_that_the_notebook_reads(stage: str) -> None:
    raw = read_yaml(REPO / "dvc.yaml")["stages"][stage]["params"]
    tracked = {file: names for entry in raw for file, names in entry.items()}
    assert tracked[f"params/{stage}.yaml"] is None  # the whole file
    cell = {p.name for p in parameters_cell(notebook_of(stage, REPO).read_text("utf-8"))}
    shared = set(read_yaml(REPO / "params" / "common.yaml"))
    assert set(tracked.get("params/common.yaml", [])) == cell & shared


@pytest.mark.parametrize("stage", STAGES)
def test_every_catalog_entry_of_a_stage_lies_in_its_outs(stage: str) -> None:
    outs = STAGES[stage].outs
    as_of = read_yaml(REPO / "params" / "common.yaml")["as_of"]
    for entry in CATALOG.values():
        if entry.stage == stage:
            path = entry.path.format(as_of=as_of)
            assert any(path == out or path.startswith(out + "/") for out in outs), path
    for out in outs:
        assert (
            any(e.stage == stage and (e.path.format(as_of=as_of) + "/").startswith(out + "/") for e in CATALOG.values())
            or out == f"experiments/runs/{stage}"
        ), f"{out} is in no catalog row"


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda n: n.stem)
def test_a_stage_notebook_keeps_the_house_rules(notebook: Path) -> None:
    code = [(head, _code(lines)) for head, lines in _cells(notebook) if "[markdown]" not in head]
    parameters = [lines for head, lines in code if '"parameters"' in head]
    assert len(parameters) == 1
    others = [lines for head, lines in code if '"parameters"' not in head]
    imports = [lines for lines in others if re.match(r"(from|import) ", lines[0])]
    assert len(imports) == 1, "one import cell"
    working = [lines for lines in others if lines is not imports[0]]
    assert all(len(lines) <= 8 for lines in working), "at most 8 code lines a cell"
    assert sum(map(len, others)) <= 40, "at most 40 code lines a notebook, the parameters cell apart"
    tree = ast.parse(notebook.read_text("utf-8"))
    banned = (ast.FunctionDef, ast.ClassDef, ast.For, ast.While)
    found = [type(n).__name__ for n in ast.walk(tree) if isinstance(n, banned)]
    assert not found, "definitions and loops live in src"
    assert "experiments/" not in "\n".join(line for lines in working for line in lines), "paths live in the catalog"


@pytest.mark.parametrize("file", ["dvc.yaml", "Makefile", "README.md", "CONTRIBUTING.md", "CHANGELOG.md"])
def test_nothing_committed_names_a_path_of_one_machine(file: str) -> None:
    text = (REPO / file).read_text("utf-8")
    assert not re.search(r"(?<![\w.])/(home|work|root|Users)/", text)


def test_no_python_file_shadows_mlflow() -> None:
    assert not list((REPO / "mlflow").glob("*.py"))
