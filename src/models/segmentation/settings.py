"""What segmentation is told: its lenses, and when groups count as real."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from ...errors import ParamsError, nearest
from .moves import Move


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class TiersLens(_Strict):
    """Customers ranked by the mean decile of a few columns and cut into tiers."""

    kind: Literal["tiers"]
    columns: dict[str, str] = Field(min_length=1, description="role → column; a column that is absent is left out")
    lower_is_better: list[str] = Field([], description="roles where less is better, such as recency")
    tiers: dict[str, float] = Field(
        {"high": 0.8, "medium": 0.4, "low": 0.0}, min_length=2, description="tier → quantile of the score it begins at"
    )

    @model_validator(mode="after")
    def _fits(self) -> "TiersLens":
        starts = sorted(self.tiers.values(), reverse=True)  # whatever order a file lists them in
        if len(set(starts)) < len(starts) or starts[-1] != 0 or starts[0] >= 1:
            raise ValueError("tiers begin at different quantiles below 1, the lowest of them at 0")
        for role in self.lower_is_better:
            if role not in self.columns:
                raise ValueError(f"lower_is_better names {role!r}, {nearest(role, self.columns)}")
        return self


class ClustersLens(_Strict):
    """Customers grouped by likeness, if there are groups."""

    kind: Literal["clusters"]
    numbers: list[str] = []
    texts: list[str] = []
    counts: list[str] = Field([], description="blocks of counted items: 'category' is all columns 'category:…'")
    themes: list[str] = Field([], description="blocks whose common themes are the inputs")
    described: list[str] = Field([], description="columns and blocks that tell segments apart without forming them")
    of: list[str] = Field([], description="other lenses of clusters whose inputs come together here")
    answered: str | None = Field(None, description="column that is missing for customers who never answered")
    known: list[str] = Field([], description="numbers known of all customers: they place those who never answered")
    known_texts: list[str] = []
    known_counts: list[str] = []
    clusters: tuple[int, int] | None = Field(None, description="from and to; None: as for all lenses")

    @model_validator(mode="after")
    def _fits(self) -> "ClustersLens":
        if not (self.numbers or self.texts or self.counts or self.themes or self.of):
            raise ValueError("a lens of clusters needs numbers, texts, counts, themes or of")
        if self.answered and not (self.known or self.known_texts or self.known_counts):
            raise ValueError("a lens with answered needs known columns, from which the silent are placed")
        _check_range(self.clusters)
        return self


class RulesLens(_Strict):
    """Loyalty by rules: see ``loyalty.py`` for what each threshold means."""

    kind: Literal["rules"]
    columns: dict[str, str] = Field({}, description="role → column where it differs from the dictionary's name")
    new_days: float = Field(180, gt=0, description="half a year until a rhythm can be told")
    lost_days: float = Field(180, gt=0, description="as long without any booking of one's own …")
    lost_gaps: float = Field(6, gt=1, description="… and as many times the usual gap, so that the slow are not lost")
    risk_gaps: float = Field(3, gt=1, description="a gap three times the usual happens to an active customer rarely")
    risk_drop: float = Field(-0.35, gt=-1, lt=0, description="change against last year: a third and more is gone")
    risk_satisfaction: float = Field(2, description="last answer of at most this, on a scale of 1 to 5")
    loyal_tenure: float = Field(730, gt=0, description="two years: seen through every season twice")
    loyal_rhythm: float = Field(0.12, gt=0, lt=1, description="active on every eighth day or more")
    loyal_products: float = Field(3, ge=1, description="kinds of products held")
    loyal_salary: float = Field(0.8, gt=0, le=1, description="salary in four of five months: the main bank")
    potential_rhythm: float = Field(0.12, gt=0, lt=1, description="active enough to be loyal, not yet broad or long")
    potential_products: float = Field(3, ge=1, description="or broad enough, not yet active")


class SegmentationSettings(_Strict):
    """Settings of :func:`afraz.models.segmentation.segmentation.fit_segmentation`.

    Raises
    ------
    ParamsError
        For an unknown setting (with the nearest known one) or a value out of range.

    Examples
    --------
    >>> SegmentationSettings(lenses={"behaviour": {"kind": "clusters", "counts": ["category"]}}).clusters
    (2, 8)
    >>> SegmentationSettings(lenses={"behaviour": {"kind": "clusters", "number": ["age_years"]}})
    Traceback (most recent call last):
    ...
    afraz.errors.ParamsError: unknown segmentation setting 'lenses.behaviour.number': did you mean numbers?
    >>> SegmentationSettings(lenses={"behaviour": {"kind": "cluster"}})
    Traceback (most recent call last):
    ...
    afraz.errors.ParamsError: segmentation setting lenses.behaviour: unknown kind 'cluster', did you mean clusters?
    """

    id: str = Field("customer_id", description="customer")
    as_of: str | None = Field("as_of", description="date of the features; customer and date are the key")
    lenses: dict[str, Annotated[TiersLens | ClustersLens | RulesLens, Field(discriminator="kind")]] = Field(
        min_length=1, description="name → what is looked at, and how"
    )
    moves: list[Move] = Field([], description="changes of segment that matter; see moves.py")
    clusters: tuple[int, int] = Field((2, 8), description="numbers of clusters that are tried, from and to")
    bootstrap: int = Field(8, ge=3, description="resamples behind every stability")
    nulls: int = Field(5, ge=3, description="tables without groups that every result is held against")
    sample_rows: int = Field(4_000, ge=200, description="customers that the evidence is measured on")
    starts: int = Field(4, ge=1, description="starts of each fit")
    min_share: float = Field(0.03, gt=0, lt=0.5, description="a smaller segment is nothing to act on")
    min_stability: float = Field(0.7, gt=0, le=1, description="mean adjusted Rand of fits to resamples")
    min_jaccard: float = Field(0.6, gt=0, le=1, description="overlap of each cluster; Hennig 2007: .6 is a pattern")
    min_effect: float = Field(0.05, ge=0, description="gain over the null tables, in log-likelihood a customer")
    min_gain: float = Field(
        0.02, ge=0, description="by so much the mixture describes customers better, or k-means stays"
    )
    rounds: int = Field(200, ge=10, description="at most so many rounds of EM")
    threads: int = Field(2, ge=1, description="fits at once; the result does not depend on it")
    seed: int = Field(7, ge=0)

    @model_validator(mode="after")
    def _fits(self) -> "SegmentationSettings":
        _check_range(self.clusters)
        for name, lens in self.lenses.items():
            for part in lens.of if isinstance(lens, ClustersLens) else []:
                other = self.lenses.get(part)
                if not isinstance(other, ClustersLens) or other.of or other.answered:
                    plain = [
                        n for n, o in self.lenses.items() if isinstance(o, ClustersLens) and not (o.of or o.answered)
                    ]
                    raise ValueError(
                        f"lens {name}: 'of' needs lenses of clusters, not {part!r}; {nearest(part, plain)}"
                    )
        return self

    def __init__(self, **values: Any) -> None:
        try:
            super().__init__(**values)
        except ValidationError as problem:
            raise _readable(problem) from None

    def inputs(self, name: str) -> ClustersLens:
        """Give a lens of clusters with the inputs of the lenses that it brings together."""
        lens = self.lenses[name]
        assert isinstance(lens, ClustersLens)
        parts = [self.inputs(part) for part in lens.of]
        joined = {
            key: list(dict.fromkeys([*getattr(lens, key), *(x for part in parts for x in getattr(part, key))]))
            for key in ("numbers", "texts", "counts", "themes", "described")
        }
        return lens.model_copy(update={**joined, "clusters": lens.clusters or self.clusters})


def _check_range(clusters: tuple[int, int] | None) -> None:
    if clusters and not 2 <= clusters[0] <= clusters[1] <= 20:
        raise ValueError("clusters needs two numbers from 2 to 20, the smaller first")


_MODELS: dict[str, type[BaseModel]] = {"tiers": TiersLens, "clusters": ClustersLens, "rules": RulesLens}


def _readable(problem: ValidationError) -> ParamsError:
    first = problem.errors()[0]
    path = [str(part) for part in first["loc"]]
    inside = len(path) > 2 and path[0] == "lenses" and path[2] in _MODELS
    model = _MODELS[path.pop(2)] if inside else Move if path[:1] == ["moves"] else SegmentationSettings
    where = ".".join(path)
    if first["type"] == "extra_forbidden":
        return ParamsError(f"unknown segmentation setting {where!r}: {nearest(path[-1], model.model_fields)}")
    if first["type"] == "union_tag_invalid":
        kind = first["ctx"]["tag"]
        return ParamsError(f"segmentation setting {where}: unknown kind {kind!r}, {nearest(kind, _MODELS)}")
    message = first["msg"].removeprefix("Value error, ")
    arrived = "" if first["type"] == "value_error" else f", got {first['input']!r}"
    return ParamsError(
        f"segmentation setting{' ' + where if where else ''}: {message[0].lower()}{message[1:]}{arrived}"
    )
