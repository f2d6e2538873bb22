"""How large a control group must be to see an effect: two proportions, groups of unequal size."""

import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any, ClassVar

from pydantic import Field

from ..errors import ParamsError
from ..models.stated import Stated

_NORMAL = NormalDist()


class Power(Stated):
    """What a campaign should be able to show; see the field descriptions.

    Raises
    ------
    ParamsError
        For an unknown setting (with the nearest known one), or a value that makes no sense.

    Examples
    --------
    >>> Power(base_rate=0.06, smallest_effect=0.98)
    Traceback (most recent call last):
    ...
    afraz.errors.ParamsError: power: base_rate 0.06 + smallest_effect 0.98 is no share between 0 and 1
    >>> Power(base_rat=0.06)
    Traceback (most recent call last):
    ...
    afraz.errors.ParamsError: unknown setting of power 'base_rat': did you mean base_rate?
    """

    word: ClassVar[str] = "setting of power"

    base_rate: float = Field(0.06, description="share of responders without the offer")
    smallest_effect: float = Field(0.02, description="smallest change of that share that would be worth knowing")
    level: float = Field(0.05, description="of the two-sided test")
    power: float = Field(0.8, description="probability of seeing that effect if it is there")
    largest_share: float = Field(0.3, description="at most this share of a campaign is withheld")

    def model_post_init(self, context: Any) -> None:
        if not self.smallest_effect:
            raise ParamsError("power: smallest_effect is 0: no control group is large enough to see nothing")
        if not 0 < self.base_rate < 1 or not 0 < self.base_rate + self.smallest_effect < 1:
            sum_of = f"base_rate {self.base_rate} + smallest_effect {self.smallest_effect}"
            raise ParamsError(f"power: {sum_of} is no share between 0 and 1")
        if not 0 < self.level < 0.5 or not self.level < self.power < 1:
            raise ParamsError(
                f"power: level {self.level} and power {self.power}: expected 0 < level < .5, level < power"
            )
        if not 0 < self.largest_share <= 0.5:
            raise ParamsError(f"power: largest_share is a share up to .5, not {self.largest_share}")


@dataclass(frozen=True)
class ControlSize:
    """How many of a campaign are withheld, what that can show, and in words whether it is enough."""

    rows: int
    control: int
    power: float
    measurable: bool
    said: str


def power_of(control: int, offered: int, wanted: Power, effect: float | None = None) -> float:
    """Probability of seeing an effect with groups of these sizes (normal approximation, pooled under no effect).

    Notes
    -----
    Fleiss, Levin and Paik (2003), Statistical Methods for Rates and Proportions, 4.2–4.3, without continuity
    correction; for groups of equal size this is ``power.prop.test`` of R.

    Examples
    --------
    The example of R's manual: 50 each, .50 against .75, power .740.

    >>> round(power_of(50, 50, Power(base_rate=0.5, smallest_effect=0.25)), 3)
    0.74
    """
    if min(control, offered) < 1:
        return 0.0
    change = wanted.smallest_effect if effect is None else effect
    p, q = wanted.base_rate, wanted.base_rate + change
    pooled = (control * p + offered * q) / (control + offered)
    under_none = math.sqrt(pooled * (1 - pooled) * (1 / control + 1 / offered))
    under_effect = math.sqrt(p * (1 - p) / control + q * (1 - q) / offered)
    return _NORMAL.cdf((abs(change) - _NORMAL.inv_cdf(1 - wanted.level / 2) * under_none) / under_effect)


def control_size(rows: int, wanted: Power) -> ControlSize:
    """Find the smallest control group of a campaign that reaches the power, up to the largest share.

    Examples
    --------
    >>> control_size(20_000, Power()).said
    '1,433 of 20,000 withheld: an effect of +2.0 points on 6.0 % is seen with probability 0.80'
    >>> control_size(1000, Power()).said
    'too small to be measured: with 300 of 1,000 withheld, +2.0 points are seen with probability 0.18; at least ...'
    """
    most = int(rows * wanted.largest_share)
    low, high = 1, max(most, 1)
    while low < high:  # power rises with the control group up to half of the campaign
        middle = (low + high) // 2
        low, high = (low, middle) if power_of(middle, rows - middle, wanted) >= wanted.power else (middle + 1, high)
    return shown_by(rows, min(low, most), wanted)


def rows_for(contacts: float, wanted: Power) -> int:
    """Find the smallest campaign that makes so many contacts after its control group is withheld.

    Examples
    --------
    >>> rows_for(700, Power()), control_size(999, Power()).control
    (999, 299)
    """
    low, high = 0, math.ceil(contacts / (1 - wanted.largest_share)) + 1
    while low < high:
        middle = (low + high) // 2
        enough = middle - control_size(middle, wanted).control >= contacts
        low, high = (low, middle) if enough else (middle + 1, high)
    return low


def shown_by(rows: int, size: int, wanted: Power) -> ControlSize:
    """Say what a campaign can show of which so many are withheld."""
    reached = power_of(size, rows - size, wanted)
    points = f"{100 * wanted.smallest_effect:+.1f} points"
    if reached >= wanted.power:
        said = (f"{size:,} of {rows:,} withheld: an effect of {points} on {wanted.base_rate * 100:.1f} % is seen with "
                f"probability {reached:.2f}")  # fmt: skip
        return ControlSize(rows, size, reached, True, said)
    seen = detectable(size, rows - size, wanted)
    least = f"at least {100 * seen:+.1f} points would be needed" if seen else "no effect would be seen"
    said = (f"too small to be measured: with {size:,} of {rows:,} withheld, {points} are seen with probability "
            f"{reached:.2f}; {least}")  # fmt: skip
    return ControlSize(rows, size, reached, False, said)


def detectable(control: int, offered: int, wanted: Power) -> float | None:
    """Find the smallest effect of the wanted sign that is seen with the wanted power; None where there is none.

    Examples
    --------
    >>> round(detectable(77, 77, Power(base_rate=0.5, smallest_effect=0.25, power=0.9)), 3)
    0.25
    """
    sign = math.copysign(1.0, wanted.smallest_effect)
    low, high = 0.0, (1 - wanted.base_rate if sign > 0 else wanted.base_rate) - 1e-9
    if power_of(control, offered, wanted, sign * high) < wanted.power:
        return None
    while high - low > 1e-6:
        middle = (low + high) / 2
        low, high = (
            (low, middle) if power_of(control, offered, wanted, sign * middle) >= wanted.power else (middle, high)
        )
    return sign * high
