"""Names by content: SHA-256 of files and folders."""

import hashlib
from collections.abc import Callable
from pathlib import Path


def text_digest(text: str) -> str:
    """Return the sha256 of a text."""
    return hashlib.sha256(text.encode()).hexdigest()


def file_digest(file: Path) -> str:
    """SHA-256 of a file's whole content, as 64 hexadecimal digits."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def folder_digest(folder: Path, left_out: Callable[[Path], bool] = lambda relative: False) -> str:
    """SHA-256 over the names and contents of all files of a folder, in the order of their names.

    Parameters
    ----------
    left_out : callable
        Told a file's path within the folder; True leaves it out.
    """
    whole = hashlib.sha256()
    for file in sorted(p for p in Path(folder).rglob("*") if p.is_file()):
        relative = file.relative_to(folder)
        if not left_out(relative):
            whole.update(f"{relative.as_posix()}\0{file_digest(file)}\n".encode())
    return whole.hexdigest()
