"""Say what to do for one customer, from the desk table that the stage ``decide`` wrote."""

import datetime as dt

from .. import catalog
from ..decisioning.next_action import Desk, NextAction


def next_action(customer_id: str, today: dt.date | None = None) -> NextAction:
    """Look a customer up.

    Parameters
    ----------
    customer_id : str
    today : date, optional
        Offers that ended before are no longer made; default: the day of the clock.

    Raises
    ------
    DataError
        If there is no desk table, or the customer is not on it.
    """
    with Desk(catalog.path("desk_index")) as desk:
        return desk.next_action(customer_id, today or dt.date.today())
