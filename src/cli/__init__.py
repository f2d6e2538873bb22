"""`afraz …`: thin commands over the package."""

import atexit
import gc
import sys

from ..errors import AfrazError
from .screen import errors


def main() -> None:
    """Run a command; an :class:`AfrazError` becomes one or two lines and exit code 1."""
    atexit.register(gc.freeze)  # the process ends: to collect what MLflow had loaded takes it more than a second
    sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type] # no notebook's schema asks for this grammar
    try:
        if sys.argv[1:2] == ["next-action"]:
            from .desk import answered

            if answered(sys.argv[1:]):
                return
        from .commands import app

        app()
    except AfrazError as error:
        errors.print(f"error: {error}", style="red", markup=False)
        sys.exit(1)
    except Exception as error:
        from ..tracking import refused

        said = refused(error)
        if said is None:
            raise
        errors.print(f"error: {said}", style="red", markup=False)
        sys.exit(1)
