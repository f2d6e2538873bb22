"""Pages for people who never open a notebook: one self-contained HTML file each, for screen and paper.

No script, no link outside, nothing told by colour alone: signs and words say what shades would. Frames and plain values
in, a :class:`Page` out.
"""

import base64
import hashlib
import re
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

SIGNS = {"works": "▲", "does not work": "■", "harms": "▼", "undecided": "○"}
LONGEST = 30  # rows of a table on paper; beyond them only parts with a verdict are shown
_SPAN = (4.0, 196.0)  # drawing width of an interval


@dataclass(frozen=True)
class Page:
    """A finished page; :func:`afraz.catalog.save` calls :meth:`save`."""

    html: str

    def save(self, place: Path) -> None:
        place.write_text(self.html, "utf-8", newline="\n")


def environment() -> Environment:
    """Prepare the templates: all data is escaped, and a page may load nothing but its own style and pictures."""
    found = Environment(
        loader=PackageLoader("afraz.reports", "templates/pages"), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    found.filters.update(points=points, money=money, share=share, whole=whole, chance=chance)
    found.tests.update(day=is_day)
    styles, contents = _own("styles.css.j2"), _own("contents.js.j2")
    policy = f"default-src 'none'; style-src {_named(styles)}; img-src data:; base-uri 'none'; form-action 'none'"
    filters = _own("filters.js.j2")
    found.globals.update(styles=styles, contents=contents, policy=Markup(policy), script_digest=_named(contents))  # noqa: S704
    found.globals.update(filters=filters, filters_digest=_named(filters))
    return found


def _own(name: str) -> Markup:
    """Read one of the project's own files, which goes into pages as it is."""
    return Markup((Path(__file__).parent / "templates" / "pages" / name).read_text("utf-8"))  # noqa: S704


def _named(content: str) -> Markup:
    """Name content by its digest, as a content security policy allows it."""
    return Markup(f"'sha256-{base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()}'")  # noqa: S704


def _signed(value: float, digits: int) -> str:
    text = f"{value:+,.{digits}f}"
    return text.replace("-", "−") if float(text.replace(",", "")) else text[1:]


def points(value: float) -> str:
    """Spell a difference of shares in percentage points.

    Examples
    --------
    >>> points(0.0234), points(-0.004), points(float("inf")), points(-0.00001)
    ('+2.3', '−0.4', 'unknown', '0.0')
    """
    return _signed(100 * value, 1) if np.isfinite(value) else "unknown"


def money(value: float, digits: int = 2) -> str:
    """Spell money with its sign.

    Examples
    --------
    >>> money(-3.191), money(1234.5, 0)
    ('−3.19', '+1,234')
    """
    return _signed(value, digits) if np.isfinite(value) else "unknown"


def share(part: float, whole: float, smallest: int = 20) -> str:
    """Spell a share; a dash where it is of fewer than ``smallest``.

    Examples
    --------
    >>> share(55, 100), share(3, 7)
    ('55 %', '–')
    """
    return f"{part / whole:.0%}".replace("%", " %") if whole >= smallest else "–"


def chance(value: float) -> str:
    """Spell a p-value.

    Examples
    --------
    >>> chance(0.0346), chance(0.00002), chance(1.0)
    ('= .035', '< .001', '= 1')
    """
    if value < 0.001:
        return "< .001"
    return "= 1" if value >= 0.9995 else f"= {value:.3f}".replace("0.", ".", 1)


def whole(value: float) -> str:
    """Spell a count.

    Examples
    --------
    >>> whole(2104)
    '2,104'
    """
    return f"{int(value):,}"


def is_day(text: str) -> bool:
    """Whether a text is an ISO date, which a line may not break.

    Examples
    --------
    >>> is_day("2026-07-03"), is_day("2026-07"), is_day("on 2026-07-03")
    (True, False, False)
    """
    return re.fullmatch(r"\d{4}-\d\d-\d\d", text) is not None


def scale(table: pd.DataFrame, names: Sequence[str] = ("low", "high")) -> float:
    """Find the largest finite distance from zero: what the axis of intervals must hold."""
    values = np.abs(table[list(names)].to_numpy(float))
    finite = values[np.isfinite(values)]
    return float(finite.max()) if len(finite) and finite.max() > 0 else 1.0


def place(value: float, reach: float, start: float = _SPAN[0], end: float = _SPAN[1]) -> float:
    """Map −reach … reach to the drawing; what lies beyond is put at its edge.

    Examples
    --------
    >>> place(0.0, 2.0), place(-2.0, 2.0), place(float("inf"), 2.0)
    (100.0, 4.0, 196.0)
    """
    inside = min(max(value / reach, -1.0), 1.0)
    return round(start + (inside + 1) / 2 * (end - start), 1)


def _drawn(row: Mapping[Hashable, Any], reach: float) -> dict[Hashable, Any]:
    """Add to a row what its drawing needs."""
    return {
        **row, "sign": SIGNS[row["verdict"]], "from": place(row["low"], reach), "to": place(row["high"], reach),
        "at": place(row["effect"], reach), "known": bool(np.isfinite(row["low"])),
    }  # fmt: skip


def _trend(looks: pd.DataFrame, reach: float) -> list[dict[str, Any]]:
    """Positions of the weekly effects of one campaign, zero in the middle of a height of 60."""
    return [
        {"week": int(look["week"]), "days": int(look["days"]), "x": 14 + 34 * n, "effect": look["effect"],
         "low": look["low"], "high": look["high"], "y": 60 - place(look["effect"], reach, 4, 56),
         "top": 60 - place(look["high"], reach, 4, 56), "bottom": 60 - place(look["low"], reach, 4, 56)}
        for n, look in enumerate(looks.sort_values("week").to_dict("records"))
    ]  # fmt: skip


def management_page(
    facts: pd.DataFrame, effects: pd.DataFrame, verdicts: pd.DataFrame, cells: pd.DataFrame, together: pd.DataFrame, *,
    as_of: str, level: float, worthwhile: float, rejected: int, currency: str, cell_lens: str = "", holdout: str = "",
) -> Page:  # fmt: skip
    """Render what each campaign did, what it earned, and what did not work.

    Parameters
    ----------
    facts, effects, verdicts, cells : DataFrame
        Tables ``campaigns, effects, verdicts, cells`` of :mod:`afraz.decisioning.feedback.findings`.
    together : DataFrame
        The looks of :func:`afraz.decisioning.feedback.holdout.holdout_effect`; may be empty.
    as_of : str
        The first day that the data don't cover.
    level, worthwhile : float
        Level of the test; smallest effect on the response worth having.
    rejected : int
        Rows that were refused.
    currency : str
        What the money is.
    cell_lens : str
        The lens whose segments are those of ``cells``.
    holdout : str
        What is compared with the lasting holdout, and since when.
    """
    own = verdicts[verdicts["cut"] == "campaign"]
    reach = scale(own)
    weekly = effects[(effects["cut"] == "campaign") & (effects["outcome"] == "response")]
    trend_reach = scale(weekly[weekly["week"] > 1] if (weekly["week"] > 1).any() else weekly)
    judged = own.drop(columns=["basis", "assigned", "control", "delivered", "reached"])
    known = facts.merge(judged, left_on="campaign_id", right_on="part", validate="one_to_one")
    campaigns = [
        {**_drawn(row, reach), "trend": _trend(weekly[weekly["part"] == row["part"]], trend_reach)}
        for row in known.sort_values(["starts_at", "campaign_id"], ascending=[False, True]).to_dict("records")
    ]
    others = [_part_table(rows, str(cut)) for cut, rows in verdicts.groupby("cut", sort=False) if cut != "campaign"]
    names = facts.set_index("campaign_id")["name"]
    failed = verdicts[
        (verdicts["verdict"].isin(["does not work", "harms"]) & (verdicts["basis"] != "observational"))
        | ((verdicts["pays"] == "costs more than it brings") & verdicts["cut"].isin(["campaign", "offer", "channel"]))
    ]
    told = failed.assign(name=failed["part"].map(names).where(failed["cut"] == "campaign").fillna(""))
    html = environment().get_template("management.html.j2").render(
        as_of=as_of, level=level, worthwhile=worthwhile, rejected=rejected, campaigns=campaigns,
        cell_lens=cell_lens.replace("_", " "),
        failed=[{**row, "sign": SIGNS[row["verdict"]]} for row in told.to_dict("records")],
        without=facts[facts["no_estimate"].notna()].to_dict("records"), others=others,
        discoveries=cells[cells["discovery"].astype(bool)].to_dict("records"), judged_cells=len(cells),
        counts=own["verdict"].value_counts().to_dict(), signs=SIGNS, together=together.to_dict("records"),
        holdout=holdout, currency=currency,
    )  # fmt: skip
    return Page(html)


def _part_table(table: pd.DataFrame, cut: str) -> dict[str, Any]:
    reach = scale(table)
    shown = table if len(table) <= LONGEST else table[table["verdict"] != "undecided"]
    return {
        "cut": cut, "rows": [_drawn(row, reach) for row in shown.to_dict("records")],
        "left_out": len(table) - len(shown), "observational": bool((table["basis"] == "observational").any()),
    }  # fmt: skip


def operations_page(
    campaigns: pd.DataFrame, channels: pd.DataFrame, branches: pd.DataFrame, *, as_of: str, days: int, current: bool,
    smallest: int,
) -> Page:  # fmt: skip
    """Render the week's counts for those who run campaigns.

    Parameters
    ----------
    campaigns, channels, branches : DataFrame
        Of :func:`afraz.decisioning.feedback.operations.counts`, by ``campaign_id, name``, ``channel`` and
        ``branch_id``; may be empty.
    current : bool
        Whether these campaigns were running in the week; otherwise they are the latest ones.
    smallest : int
        Branches with fewer customers are already put together; shares of fewer customers are not shown.
    """
    until = pd.Timestamp(as_of) - pd.Timedelta(days=1)
    by_channel, by_branch = channels.to_dict("records"), branches.to_dict("records")
    html = environment().get_template("operations.html.j2").render(
        since=(until - pd.Timedelta(days=days - 1)).date().isoformat(), until=until.date().isoformat(), current=current,
        smallest=smallest, campaigns=campaigns.to_dict("records"),
        tables=[("channel", "channel", by_channel), ("branch", "branch_id", by_branch)],
    )  # fmt: skip
    return Page(html)
