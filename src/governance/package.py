"""A version's files: packed for MLflow without pickle, fetched again and held against their digest."""

import os
import shutil
import tempfile
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import ArtifactError
from ..models.artifact import folder_digest, folder_inside, log_kwargs
from ..tracking import client, store_root

if TYPE_CHECKING:
    from mlflow import MlflowClient

PACKAGE = "package"


def pack(opened: "MlflowClient", folder: Path, run_id: str, place: str) -> str:
    """Save the model folder as an MLflow pyfunc without pickle, among the artifacts of its run."""
    with tempfile.TemporaryDirectory() as temporary, warnings.catch_warnings():
        # type hints of the model's code are not MLflow's business, and an input example would hold customers' data
        warnings.simplefilter("ignore", UserWarning)
        import mlflow.pyfunc

        package, copy = Path(temporary) / PACKAGE, Path(temporary) / "model"
        shutil.copytree(folder, copy)  # MLflow runs the code and caches it beside: the stage's output stays as it is
        mlflow.pyfunc.save_model(path=str(package), **log_kwargs(copy))
        opened.log_artifacts(run_id, str(package), place)
    return f"{opened.get_run(run_id).info.artifact_uri}/{place}"


def fetch(name: str, version: int, digest: str) -> Path:
    """Download a version into a folder named by the digest; a folder that is already there is checked, not trusted.

    Raises
    ------
    ArtifactError
        If the files are not those that were registered.
    """
    place = store_root() / "mlflow" / "store" / "models" / digest
    if not place.exists():
        import mlflow.artifacts

        source = client().get_model_version(name, str(version)).source
        with tempfile.TemporaryDirectory(dir=_parent(place)) as temporary:
            package = mlflow.artifacts.download_artifacts(artifact_uri=source, dst_path=temporary)
            os.replace(folder_inside(Path(package)), _free(place))
    found = folder_digest(place)
    if found != digest:
        shutil.rmtree(place)  # a copy; the next call fetches it again and says if the source itself was altered
        raise ArtifactError(
            f"{name} version {version}: digest mismatch, its files are {found[:12]}, registered was "
            f"{digest[:12]}: they were altered; run again to fetch them anew, and if that fails register it again"
        )
    return place


def _parent(place: Path) -> Path:
    place.parent.mkdir(parents=True, exist_ok=True)
    return place.parent


def _free(place: Path) -> Path:
    if place.exists():  # a rival fetched it meanwhile
        shutil.rmtree(place)
    return place
