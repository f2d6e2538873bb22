"""Geography and demographics: who the customer is and what the region is like.

Gender is left out: it may not decide about a customer, and is kept for checks of fairness only.
"""

from collections.abc import Iterator

import ibis.expr.types as ir

from .family import Family
from .feature import Feature, days_since, share
from .inputs import Inputs

_REGION = {
    "population": ("people living in the region", "people", "lives in a small region", "lives in a large region"),
    "urban_share": ("share of the region's people who live in towns", "share", "lives in the country", "lives in town"),
    "average_income": ("average income in the region", "currency", "lives in a poorer region",
                       "lives in a richer region"),
    "unemployment_rate": ("unemployment in the region", "share", "lives where work is plentiful",
                          "lives where unemployment is high"),
}  # fmt: skip
_PERSON = {
    "region_id": "region",
    "education": "education",
    "occupation": "occupation",
    "marital_status": "marital status",
}
INGREDIENTS = ("salary_amount_365",)

FEATURES: tuple[Feature, ...] = (
    Feature("age_years", "geography", "age", "years", "at as_of",
            lambda t: days_since(t, t.birth_date) / 365.25, "is young", "is older", needs=("customers.birth_date",)),
    *(Feature(name, "geography", f"{subject} as recorded", "name", "at as_of", lambda t, n=name: t[n],
              f"belongs to this group of {subject}", f"belongs to this group of {subject}", type="text",
              needs=(f"customers.{name}",)) for name, subject in _PERSON.items()),
    *(Feature(f"region_{name}", "geography", meaning, unit, "at as_of", lambda t, n=name: t[f"region_{n}"], low, high,
              needs=("regions", "customers.region_id", f"regions.{name}"))
      for name, (meaning, unit, low, high) in _REGION.items()),
    Feature("salary_to_region", "geography", "monthly salary divided by the region's average income", "ratio",
            "365 days", lambda t: share(t.salary_amount_365 / 1200, t.region_average_income),
            "earns less here than people of the region do", "earns more here than people of the region do",
            needs=("regions", "customers.region_id", "regions.average_income")),
)  # fmt: skip


def ingredients(inputs: Inputs) -> Iterator[ir.Table]:
    """Give what is recorded about the customer and the region.

    All columns but the date of birth are undated: the leak audit reports them unless they are waived with a reason.
    """
    customers, regions = inputs.tables["customers"], inputs.tables.get("regions")
    known = [c for c in ("birth_date", *_PERSON) if c in customers.columns]
    people = customers.select("customer_id", *known)
    if regions is not None and "region_id" in known:
        figures = {f"region_{c}": c for c in _REGION if c in regions.columns}
        people = people.left_join(regions.select("region_id", **figures), "region_id").drop("region_id_right")
    yield people


FAMILY = Family("geography", FEATURES, activity=INGREDIENTS, ingredients=ingredients)
