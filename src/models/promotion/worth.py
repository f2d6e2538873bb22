"""What contacting a customer with an offer is worth: expected by a model, or true where a simulation knows it."""

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]

LAST_YEAR = "margin_365d"  # the feature that a customer's coming margin is guessed from


def net_worth(
    uplift: ArrayLike, response_offer: ArrayLike, leaving: ArrayLike, margin: ArrayLike, *,
    response_value: float, offer_cost: ArrayLike, contact_cost: ArrayLike,
) -> Array:  # fmt: skip
    """Net value of a contact over none, in currency.

    uplift × response value − offer cost × response − contact cost − leaving × margin: responses that the offer adds
    bring money, everybody who responds takes the offer, and those driven away take a year's margin along.

    Parameters
    ----------
    uplift : (n,) probability of a response that the offer adds
    response_offer : (n,) probability of a response with the offer
    leaving : (n,) probability of leaving that the offer adds
    margin : (n,) what the customer would bring in a year
    response_value : float
        Mean worth of a response, before the offer's cost.
    offer_cost, contact_cost : (n,) or one for all

    Returns
    -------
    (n,) float64

    Examples
    --------
    >>> net_worth([0.1], [0.2], [0.01], [150.0], response_value=40.0, offer_cost=10.0, contact_cost=0.1).round(6)
    array([0.4])
    """
    gained, taken, left, kept = (np.asarray(part, float) for part in (uplift, response_offer, leaving, margin))
    costs = np.asarray(offer_cost, float) * taken + np.asarray(contact_cost, float)
    return np.asarray(gained * response_value - costs - left * kept)


def expected_worth(
    outputs: pd.DataFrame, last_year: pd.Series | None, *, response_value: float, offer_cost: ArrayLike,
    contact_cost: ArrayLike,
) -> Array:  # fmt: skip
    """Net value as the model expects it: :func:`net_worth` of its outputs.

    Parameters
    ----------
    outputs : DataFrame
        ``response_uplift, response_offer``; ``closing_uplift`` where the model knows it, else nobody is driven away.
    last_year : Series
        (n,) margin of the last year, the plain guess at that of the coming one. Missing and negative margins count
        as 0: no offer is made in the hope that somebody leaves. None: the source knows no margins.

    Examples
    --------
    >>> outputs = pd.DataFrame({"response_uplift": 0.1, "response_offer": 0.2, "closing_uplift": [0.01, 0.01, -0.01]})
    >>> costs = {"response_value": 40.0, "offer_cost": 10.0, "contact_cost": 0.0}
    >>> expected_worth(outputs, pd.Series([150.0, -150.0, None]), **costs).round(6).tolist()
    [0.5, 2.0, 2.0]
    >>> expected_worth(outputs, None, **costs).round(6).tolist()
    [2.0, 2.0, 2.0]
    """
    nothing = np.zeros(len(outputs))
    leaving = outputs.get("closing_uplift", nothing)
    margin = nothing if last_year is None else np.maximum(last_year.to_numpy(float, na_value=0.0), 0.0)
    return net_worth(outputs["response_uplift"], outputs["response_offer"], leaving, margin,
                     response_value=response_value, offer_cost=offer_cost, contact_cost=contact_cost)  # fmt: skip
