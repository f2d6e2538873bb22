"""Settings whose mistakes are told in one line, with the nearest known name."""

from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, ValidationError

from ..errors import ParamsError, nearest


class Stated(BaseModel):
    """Base of settings: unknown names and values out of range are refused in plain words; ``word`` says what one is.

    Raises
    ------
    ParamsError
        For an unknown setting (with the nearest known one) or a value out of range.

    Examples
    --------
    >>> class Room(Stated):
    ...     word: ClassVar[str] = "room"
    ...     beds: int = 1
    >>> Room(bets=2)
    Traceback (most recent call last):
    ...
    afraz.errors.ParamsError: unknown room 'bets': did you mean beds?
    >>> Room(beds=0.5)
    Traceback (most recent call last):
    ...
    afraz.errors.ParamsError: room beds: input should be a valid integer, got a number with a fractional part, got 0.5
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    word: ClassVar[str] = "setting"

    def __init__(self, **values: Any) -> None:
        try:
            super().__init__(**values)
        except ValidationError as problem:
            raise self._readable(problem) from None

    @classmethod
    def _readable(cls, problem: ValidationError) -> ParamsError:
        first = problem.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        if first["type"] == "extra_forbidden":
            return ParamsError(f"unknown {cls.word} {where!r}: {nearest(where, cls.model_fields)}")
        message = first["msg"].removeprefix("Value error, ")
        return ParamsError(f"{cls.word} {where}: {message[0].lower()}{message[1:]}, got {first['input']!r}")
