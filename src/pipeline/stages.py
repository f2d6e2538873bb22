"""What ``dvc.yaml`` says of a stage, and what its notebook really imports."""

import ast
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .. import catalog
from ..errors import StageError, nearest
from ..params import notebook_of, read_yaml

PACKAGE = "afraz"


@dataclass(frozen=True)
class Stage:
    """One stage of the pipeline; paths are relative to the workspace."""

    name: str
    deps: tuple[str, ...]
    outs: tuple[str, ...]
    metrics: tuple[str, ...]

    @property
    def data_deps(self) -> tuple[str, ...]:
        """What the stage reads, other than code."""
        return tuple(d for d in self.deps if not d.startswith(("src/", "notebooks/")))


def read_stages(root: Path) -> dict[str, Stage]:
    """Read ``dvc.yaml``, its ``${name}`` filled in from ``params/common.yaml``."""
    document = read_yaml(root / "dvc.yaml")
    values = read_yaml(root / "params" / "common.yaml")
    return {name: _stage(name, raw, values) for name, raw in document["stages"].items()}


def _stage(name: str, raw: dict[str, Any], values: dict[str, Any]) -> Stage:
    def paths(part: str) -> tuple[str, ...]:
        entries = (next(iter(e)) if isinstance(e, dict) else e for e in raw.get(part, []))
        return tuple(re.sub(r"\$\{(\w+)\}", lambda m: str(values[m[1]]), e) for e in entries)

    return Stage(name, paths("deps"), paths("outs") + paths("metrics"), paths("metrics"))


def stage_of(name: str, root: Path) -> Stage:
    """Look one stage up.

    Raises
    ------
    StageError
        With the nearest known name.
    """
    stages = read_stages(root)
    if name not in stages:
        raise StageError(f"no stage {name!r} in dvc.yaml: {nearest(name, stages)}")
    return stages[name]


def code_deps(stage: str, root: Path) -> list[str]:
    """List the files that a stage's result can depend on: its notebook and every module reached from its imports.

    Returns
    -------
    list of str
        Sorted, relative to the workspace. Imports inside functions count; ``__init__`` files with code count; a module
        ``pages.py`` brings the files of ``templates/pages/`` beside it.
    """
    notebook = notebook_of(stage, root)
    seen: set[Path] = set()
    waiting = _imported(notebook, root)
    while waiting:
        file = waiting.pop()
        if file not in seen:
            seen.add(file)
            waiting |= _imported(file, root)
    templates = {t for p in seen for t in (p.parent / "templates" / p.stem).glob("*.j2")}
    return sorted(p.relative_to(root).as_posix() for p in {notebook, *seen, *templates} if p.stat().st_size)


def _imported(file: Path, root: Path) -> set[Path]:
    source = root / "src"
    inside = file.is_relative_to(source)
    package = list(file.relative_to(source).parts[:-1]) if inside else []
    found: set[Path] = set()
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        names: list[list[str]] = []
        if isinstance(node, ast.ImportFrom):
            module = node.module.split(".") if node.module else []
            if node.level:
                base = package[: len(package) - node.level + 1] + module
            elif module[:1] == [PACKAGE]:
                base = module[1:]
            else:
                continue
            names = [base, *([*base, a.name] for a in node.names)]
        elif isinstance(node, ast.Import):
            names = [a.name.split(".")[1:] for a in node.names if a.name.split(".")[0] == PACKAGE]
        for name in names:
            found |= _files(source, name)
    return found


def _files(source: Path, name: list[str]) -> set[Path]:
    module = source.joinpath(*name)
    candidates = [module.with_suffix(".py")] if name else []
    candidates += [source.joinpath(*name[:depth], "__init__.py") for depth in range(len(name) + 1)]
    return {c for c in candidates if c.is_file()}


def compare_deps(write: bool = False) -> list[str]:
    """Hold the code deps of every stage in ``dvc.yaml`` against :func:`code_deps`; with ``write``, rewrite them.

    Returns
    -------
    list of str
        One line per stage that differs: what is missing, what is too much.
    """
    from ruamel.yaml import YAML

    root = catalog.root()
    file = root / "dvc.yaml"
    editor = YAML()
    editor.width = 120
    editor.indent(mapping=2, sequence=4, offset=2)
    document = editor.load(file.read_text("utf-8"))
    lines = []
    for name, stage in read_stages(root).items():
        stated = {d for d in stage.deps if d.startswith(("src/", "notebooks/"))}
        real = code_deps(name, root)
        if stated != set(real):
            missing, extra = sorted(set(real) - stated), sorted(stated - set(real))
            lines.append(
                f"{name}: missing {', '.join(missing) or 'nothing'}; not imported {', '.join(extra) or 'nothing'}"
            )
            raw = document["stages"][name]["deps"]
            raw[:] = [*real, *[d for d in raw if not d.startswith(("src/", "notebooks/"))]]
    if write and lines:
        partial = file.with_name(".dvc.yaml.new")
        with partial.open("w", encoding="utf-8") as stream:
            editor.dump(document, stream)
        partial.replace(file)
    return lines
