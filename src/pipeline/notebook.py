"""Execute one py:percent notebook with papermill, and make what it leaves the same from run to run."""

import base64
import os
import re
import sys
import tempfile
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import nbformat
import papermill
from nbclient.exceptions import DeadKernelError
from nbformat import NotebookNode
from papermill.exceptions import PapermillExecutionError
from traitlets.config import Config

from ..errors import StageError

# what differs between two equal runs: temporary module names, addresses in reprs, the ids of styled tables
_UNSTABLE = (
    (re.compile(r"ipykernel_\d+/\d+"), "ipykernel/0"),
    (re.compile(r"\b0x[0-9a-f]{8,16}\b"), "0x0"),
)
_STYLER = re.compile(r"T_[0-9a-f]{5}(?=[_\s\"'#{])")
_ANSI = re.compile(r"\x1b\[[0-9;]*m")


# what the kernel of every notebook begins with: sentences in tables are shown whole (pandas cuts them after 50 letters)
_STARTUP = "import pandas\npandas.set_option('display.max_colwidth', 160)\ndel pandas\n"


class CellFailure(StageError):
    """A cell raised; carries what the runner shows and keeps."""

    def __init__(self, cell: int, first_line: str, name: str, message: str) -> None:
        self.cell, self.first_line, self.name, self.message = cell, first_line, name, message
        super().__init__(f"cell {cell}: {first_line}\n{name}: {message}")


def read_percent(file: Path) -> NotebookNode:
    """Read a py:percent file as a notebook whose cell ids count up (jupytext draws them at random)."""
    import jupytext

    notebook = jupytext.read(file, fmt="py:percent")
    for number, cell in enumerate(notebook.cells):
        cell["id"] = f"cell-{number}"
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return notebook


def execute(
    source: Path,
    executed: Path,
    parameters: Mapping[str, Any],
    cwd: Path,
) -> None:
    """Run a notebook on a kernel that talks over IPC sockets in a short private folder.

    Parameters
    ----------
    source : Path
        The py:percent notebook.
    executed : Path
        Where the executed ``.ipynb`` goes; it is there after a failure too, up to the failing cell.
    parameters : mapping
        Values for the parameters cell, already checked.
    cwd : Path
        Working folder of the kernel.

    Raises
    ------
    CellFailure
        If a cell raises, or the kernel dies.
    """
    notebook = read_percent(source)
    with tempfile.TemporaryDirectory(prefix="afz") as sockets, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # papermill and its clients warn of one another's deprecations
        plain = Path(sockets) / f"{source.stem}.ipynb"
        nbformat.write(notebook, plain)
        # progress bars of libraries ask for widgets that a page cannot show
        os.environ["PYTHONWARNINGS"] = "ignore:IProgress not found"
        startup = Path(sockets) / "profile_default" / "startup" / "00-afraz.py"
        startup.parent.mkdir(parents=True)
        startup.write_text(_STARTUP, "utf-8")
        os.environ["IPYTHONDIR"] = sockets  # and nothing of the user's own settings
        config = Config()
        config.KernelManager.transport = "ipc"
        config.KernelManager.ip = str(Path(sockets) / "k")
        config.KernelManager.connection_file = str(Path(sockets) / "k.json")
        try:
            papermill.execute_notebook(
                plain, executed, parameters=dict(parameters), kernel_name="python3", cwd=str(cwd),
                progress_bar=sys.stderr.isatty(), config=config, autosave_cell_every=0,
                shutdown_kernel="immediate",  # every cell is done, and what it wrote is closed: nothing to wait for
            )  # fmt: skip
        except PapermillExecutionError as error:
            raise _failure(executed, error.ename, error.evalue) from None
        except DeadKernelError:
            raise _failure(executed, "DeadKernelError", "the kernel died (killed, or out of memory)") from None
    nbformat.write(normalise(nbformat.read(executed, as_version=4)), executed)


def _failure(executed: Path, name: str, message: str) -> CellFailure:
    cells = nbformat.read(executed, as_version=4).cells if executed.exists() else []
    failed = next(
        (
            (i, c)
            for i, c in enumerate(cells)
            if c.cell_type == "code" and any(o.output_type == "error" for o in c.get("outputs", []))
        ),
        None,
    )
    if failed is None:  # the kernel died: the last cell that was started
        started = [(i, c) for i, c in enumerate(cells) if c.get("metadata", {}).get("papermill", {}).get("start_time")]
        failed = started[-1] if started else None
    number, cell = failed or (0, {"source": "(before the first cell)"})
    lines = [line for line in cell["source"].splitlines() if line.strip() and not line.startswith("#")]
    return CellFailure(number, lines[0] if lines else "", name.rpartition(".")[2], _ANSI.sub("", message))


def normalise(notebook: NotebookNode) -> NotebookNode:
    """Drop everything that differs between two runs with equal inputs: times, process ids, addresses, random ids."""
    for name in ("papermill", "jupytext", "widgets"):
        notebook.metadata.pop(name, None)
    notebook.metadata.get("language_info", {}).pop("version", None)
    for number, cell in enumerate(notebook.cells):
        cell["id"] = f"cell-{number}"
        tags = [t for t in cell.metadata.get("tags", []) if not t.startswith("papermill-error")]
        cell["metadata"] = NotebookNode({"tags": tags} if tags else {})
        styles: dict[str, str] = {}
        for output in cell.get("outputs", []):
            output.pop("metadata", None) if output.output_type == "stream" else None
            for holder, key in _texts(output):
                text = holder[key]
                for pattern, replacement in _UNSTABLE:
                    text = pattern.sub(replacement, text)
                for found in _STYLER.findall(text):
                    text = text.replace(found, styles.setdefault(found, f"T_{len(styles):05x}"))
                holder[key] = text
    return notebook


def say_not_applicable(executed: Path, reason: str) -> None:
    """Put the reason in place of the traceback at which a notebook ended because there was nothing to do."""
    notebook = nbformat.read(executed, as_version=4)
    cells = []
    for cell in notebook.cells:
        if "papermill-error-cell-tag" in cell.metadata.get("tags", []):
            continue  # papermill's own banners about an error
        failed = any(o.output_type == "error" for o in cell.get("outputs", []))
        if failed:
            cell["outputs"] = [nbformat.v4.new_output("stream", name="stdout", text=f"not applicable: {reason}\n")]
        cells.append(cell)
        if failed:
            break
    notebook.cells = cells
    nbformat.write(normalise(notebook), executed)


def _texts(output: NotebookNode) -> list[tuple[Any, str]]:
    found = [(output, key) for key in ("text", "ename", "evalue") if isinstance(output.get(key), str)]
    data = output.get("data", {})
    return found + [(data, key) for key in data if isinstance(data[key], str) and not key.startswith("image/")]


def write_html(executed: Path, page: Path) -> None:
    """Write one self-contained page: no script, style or font comes from elsewhere."""
    from nbconvert import HTMLExporter

    exporter = HTMLExporter(
        template_name="lab", mathjax_url="", require_js_url="", jquery_url="", mermaid_js_url="",
        mermaid_layout_elk_js_url="", jupyter_widgets_base_url="", widget_renderer_url="", embed_images=True,
    )  # fmt: skip
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        text, _ = exporter.from_filename(str(executed))
    page.write_text(_without_loaders(text), "utf-8")


def _without_loaders(text: str) -> str:
    """Cut the loaders that nbconvert writes even when their addresses are empty."""
    text = re.sub(r'<script src=""[^>]*></script>', "", text)
    text = re.sub(r"<!-- Load mathjax -->.*?<!-- End of mathjax configuration -->", "", text, flags=re.S)
    return re.sub(r'<script type="module">\s*document\.addEventListener.*?</script>', "", text, flags=re.S)


def pictures(executed: Path, folder: Path) -> list[Path]:
    """Write every PNG of an executed notebook beside it, numbered in the order of the cells."""
    notebook = nbformat.read(executed, as_version=4)
    outputs = [o for c in notebook.cells for o in c.get("outputs", [])]
    images = [o["data"]["image/png"] for o in outputs if "image/png" in o.get("data", {})]
    written = []
    for number, image in enumerate(images, start=1):
        folder.mkdir(parents=True, exist_ok=True)
        file = folder / f"figure-{number:02d}.png"
        file.write_bytes(base64.b64decode(image))
        written.append(file)
    return written
