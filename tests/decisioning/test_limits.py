"""Settings of a round: what is missing, unknown or out of range is said before anything is decided."""

from typing import Any

import pandas as pd
import pytest

from afraz.decisioning.limits import Round, check_offers
from afraz.errors import ParamsError

WHOLE = {"holdout": 0.02, "exploration": 0.02, "valid_days": 14}


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"holdout": 0.02, "valid_days": 14}, "setting of a round exploration: field required"),
        ({**WHOLE, "control": 0.1}, "unknown setting of a round 'control'"),
        ({**WHOLE, "holdout": 1.0}, "setting of a round holdout: input should be less than 1, got 1.0"),
        ({**WHOLE, "valid_days": 0}, "setting of a round valid_days: input should be greater than or equal to 1"),
    ],
)
def test_senseless_settings_of_a_round_are_refused(values: dict[str, Any], message: str) -> None:
    with pytest.raises(ParamsError, match=message):
        Round(**values)


def test_an_offer_that_any_table_knows_is_no_error() -> None:
    scored, campaigns = pd.DataFrame({"offer": ["card"]}), pd.DataFrame({"offer": ["loan", None]})
    check_offers("credit", ["card", "loan"], scored, campaigns, None)
    check_offers("credit", ["loan"], scored.head(0), None)
    with pytest.raises(ParamsError, match="credit names the unknown offer 'None'"):
        check_offers("credit", ["None"], scored, campaigns)
