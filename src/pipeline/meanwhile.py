"""What the runner does while it waits for a kernel: it loads what it needs once the notebook is done.

The libraries that write the page and record the run take as long to load as a small stage takes to compute.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager


@contextmanager
def loading(recorded: bool) -> Iterator[None]:
    """Load in a thread what follows a notebook; the block ends when it is loaded.

    Nothing is lost where that fails: whoever needs it asks again, and says what is wrong.

    Parameters
    ----------
    recorded : bool
        Whether the stage will be recorded in MLflow.
    """
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="meanwhile") as thread:
        thread.submit(_load, recorded)
        yield


def _load(recorded: bool) -> None:
    import nbconvert  # noqa: F401

    if recorded:
        from ..tracking import client, store_exists, tracking_uri
        from . import sync  # noqa: F401

        if store_exists() and not tracking_uri().startswith("http"):  # a server may make one wait, for nothing
            client().search_registered_models(max_results=1)  # MLflow opens a database once in a process
