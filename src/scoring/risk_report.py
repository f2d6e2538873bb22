"""Tell a report on risk as the page for the board."""

from ..reports.pages import Page
from ..reports.risk_page import Told, risk_document
from ..risk.board import Report
from ..risk.settings import RiskSettings
from ..risk.units import UNITS


def page_of(found: Report, settings: RiskSettings) -> Page:
    """Render the page."""
    measured, view = found.measured, found.view
    words = {name: (unit.title, unit.estimated, unit.stated, measured.deliveries[name].notes if
                    name in measured.deliveries else ()) for name, unit in UNITS.items()
             if name in measured.deliveries or name in measured.failed}  # fmt: skip
    comparable = found.before is not None and list(found.before.units["unit"]) == list(view.units["unit"])
    reverse = [(each.loss, each.probability, found.tables[f"reverse_{100 * share:.0f}"])
               for each, share in zip(found.reverse, settings.reverse_stress, strict=True)]  # fmt: skip
    told = Told(
        as_of=str(view.units["as_of"].iloc[0]), currency=settings.currency, horizon=settings.horizon,
        level=settings.level, shortfall_level=settings.shortfall_level, total=view.total, failed=measured.failed,
        notes=view.notes, words=words, reverse=reverse,
        stories={s.name: s.story for s in settings.stress}, before=found.earlier.as_of,
        total_before=found.before.total if comparable and found.before is not None else None,
        remarks=found.earlier.remarks,
    )  # fmt: skip
    return risk_document(found.tables, told).page()
