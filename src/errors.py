"""One family of errors. A message says what was expected, what arrived, and what to do, in one or two lines."""

import difflib
from collections.abc import Iterable


class AfrazError(Exception):
    """Root of everything that a user can mend; the command line prints it without a traceback and exits with 1."""


class ParamsError(AfrazError):
    """A parameter is unknown, of the wrong type, or out of range."""


class DataError(AfrazError):
    """Data are missing, unreadable, or break the contract of their table."""


class ArtifactError(AfrazError):
    """A model folder is incomplete, altered, or refuses the table that it was given."""


class GateError(AfrazError):
    """A model may not be used: a required check failed or nobody approved it."""


class NotPermittedError(GateError):
    """The team server does not let this user do it."""


class LedgerError(AfrazError):
    """The history of decisions is broken, or says something else than the registry does."""


class NotApplicable(AfrazError):
    """What a stage needs is not part of this source; the stage says so and leaves empty outputs."""


class StageError(AfrazError):
    """A stage of the pipeline could not start or did not finish."""


def nearest(name: str, known: Iterable[str]) -> str:
    """Say which known name comes closest, or which names exist.

    Parameters
    ----------
    name : str
        What arrived.
    known : iterable of str
        What would have been accepted.

    Examples
    --------
    >>> nearest("n_trails", ["n_trials", "seed"])
    'did you mean n_trials?'
    >>> nearest("colour", ["seed", "as_of"])
    'known: as_of, seed'
    """
    names = sorted(known)
    close = difflib.get_close_matches(name, names, n=1)
    if close:
        return f"did you mean {close[0]}?"
    return "known: " + ", ".join(names)
