"""Where a campaign works: cells of campaign × segment × agent (or branch, region), under false-discovery control."""

import pandas as pd

from .assignments import OBSERVED
from .cuts import Cut
from .effects import USED, judged, look, pooled, weeks_of, within_campaigns
from .sequential import SequentialTest, e_bh

SEPARATOR = "\x1f"
COLUMNS = ["campaign_id", "segment", "person", "assigned", "control", "responses", "effect", "low", "high", "e_value",
           "discovery", "basis"]  # fmt: skip


def cells(
    rows: pd.DataFrame, facts: pd.DataFrame, *, segment: str | None, person: str | None, as_of: pd.Timestamp,
    test: SequentialTest, smallest: int,
) -> tuple[pd.DataFrame, int]:  # fmt: skip
    """Compare treated with control in every cell, and name the cells that are discoveries among all of them.

    Control is that of the cell's campaign and segment; where control has no agent it is shared by the agents of the
    segment. Discoveries are those of :func:`.sequential.e_bh`, which says why not Benjamini and Hochberg's. Each
    campaign is taken at its last look.

    Parameters
    ----------
    rows, facts : of :mod:`.assignments`
    segment, person : column of rows, or None
        ``segment_<lens>``; ``agent_id``, ``branch_id`` or ``region_id``, which make the cells observational. None
        leaves it out.
    test : SequentialTest
        Planned for the responses of one cell.
    smallest : int
        Customers in either arm; smaller cells are counted, not judged and not shown.

    Returns
    -------
    DataFrame
        ``campaign_id, segment, person, assigned, control, responses, effect, low, high, e_value, discovery, basis``,
        the strongest evidence first.
    int
        Cells that are too small.
    """
    titles = {column: title for column, title in ((segment, "segment"), (person, "person")) if column is not None}
    used = list(titles)
    parts = rows.assign(cell=_named(rows, used), stratum=_named(rows, [] if segment is None else [segment]))
    cut = Cut("cell", "cell", observational=person is not None, within="stratum")
    looks = []
    for week in range(1, 1 + max(map(weeks_of, facts["window_days"]), default=0)):
        each = within_campaigns(look(parts[[*USED, "cell", "stratum"]], facts, week, as_of), cut)
        looks.append(pooled(each[each["outcome"] == "response"]).assign(week=week))
    every = pd.concat(looks, ignore_index=True) if looks else pd.DataFrame()
    if not len(every):
        return pd.DataFrame(columns=COLUMNS), 0
    last = every[every["week"] == every.groupby("part")["week"].transform("max")].assign(final=False)
    large = last[["assigned", "control"]].min(axis=1) >= smallest
    labels = parts[["cell", "campaign_id", *used]].drop_duplicates("cell").rename(columns=titles)
    shown = judged(last[large], test).merge(labels, left_on="part", right_on="cell", validate="one_to_one")
    shown = shown.assign(**{title: "" for title in ("segment", "person") if title not in shown})
    shown["discovery"] = e_bh(shown["e_value"].to_numpy(), test.level)
    if cut.observational:
        shown["basis"] = OBSERVED
    order = shown.sort_values(["e_value", "part"], ascending=[False, True], ignore_index=True)
    return order[COLUMNS], int((~large).sum())


def _named(rows: pd.DataFrame, columns: list[str]) -> pd.Series:
    """Name each row by its campaign and these columns; missing where one of them is."""
    names = rows["campaign_id"].astype(str)
    for column in columns:
        names = names + SEPARATOR + rows[column].astype(str)
    return names.where(rows[columns].notna().all(axis=1))
