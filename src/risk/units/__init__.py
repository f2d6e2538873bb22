"""The units of risk. A new one is a file with ``UNIT``, and its line here."""

from ...errors import ParamsError, nearest
from . import attrition, concentration, credit, deposits, service
from .unit import Delivery, Frames, Terms, Unit, UnitSettings

UNITS = {module.UNIT.name: module.UNIT for module in (credit, attrition, deposits, concentration, service)}

__all__ = ["UNITS", "Delivery", "Frames", "Terms", "Unit", "UnitSettings", "unit_named"]


def unit_named(name: str) -> Unit:
    """Look a unit up.

    Examples
    --------
    >>> unit_named("credit").reads
    ('credit_book',)
    >>> unit_named("credits")
    Traceback (most recent call last):
    ...
    afraz.errors.ParamsError: no unit of risk 'credits': did you mean credit?
    """
    if name not in UNITS:
        raise ParamsError(f"no unit of risk {name!r}: {nearest(name, UNITS)}")
    return UNITS[name]
