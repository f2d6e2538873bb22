"""How customers are parted to ask where an offer works."""

from dataclasses import dataclass

import pandas as pd

LENS = "segment_"  # columns of segments begin so
PEOPLE = ("region_id", "branch_id", "agent_id")  # nobody drew lots for them


@dataclass(frozen=True)
class Cut:
    """A way to part customers: the column with the name of a part, and whether nobody drew lots for it.

    Where the control of a campaign has no such value (the offer; agents whose lists have no control of their own), the
    treated of a part are held against the whole control of their campaign. Where ``within`` names a column, it is only
    the control of the same value there: customers of one segment are never compared with those of another.
    """

    name: str
    column: str
    observational: bool = False
    within: str | None = None

    @property
    def lens(self) -> str:
        return self.column.removeprefix(LENS) if self.name == "segment" else ""


def cuts_of(rows: pd.DataFrame) -> list[Cut]:
    """Find the cuts that the rows allow: segments (columns ``segment_<lens>``), regions, branches and agents if known.

    Examples
    --------
    >>> rows = pd.DataFrame({"branch_id": ["B1"], "agent_id": [None], "segment_value": ["high"]})
    >>> [c.name for c in cuts_of(rows)]
    ['campaign', 'offer', 'channel', 'segment', 'branch']
    """
    known = [c for c in rows.columns if c.startswith(LENS) and rows[c].notna().any()]
    people = [c for c in PEOPLE if c in rows.columns and rows[c].notna().any()]
    return [
        *(Cut(n, c) for n, c in (("campaign", "campaign_id"), ("offer", "offered"), ("channel", "channel"))),
        *(Cut("segment", column, within=column) for column in known),
        *(Cut(c.removesuffix("_id"), c, observational=True) for c in people),
    ]
