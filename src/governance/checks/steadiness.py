"""Does it stay as it is: the score, the inputs that carry it, and the order of its reasons."""

from ...models.stability import contributions, psi_by_chance
from .check import Evidence, Found, verdict

STRONGEST = 10  # inputs that a reviewer reads; what is behind them hardly moves a score


def score(evidence: Evidence) -> Found:
    """PSI between the rows learned from and later ones, in all and by segment; of segments, of their shares."""
    bound = evidence.bounds.get("psi", float("nan"))
    if "lenses" in evidence.metrics:
        return _shares(evidence, bound)
    drift = evidence.metrics.get("drift")
    if not drift:
        return "not_applicable", "no later rows to compare with"
    found = [("all", drift["psi_score"], drift["psi_by_chance"])]
    by_segment = evidence.table("psi_by_segment")
    if by_segment is not None:
        known = by_segment[by_segment["psi"].notna()]
        found += [(str(r["segment"]), r["psi"], r["psi_by_chance"]) for _, r in known.iterrows()]
    moved = [f"{name} {value:.3f}" for name, value, chance in found if value > max(bound, chance)]
    worst = max(found, key=lambda each: each[1])
    said = (
        f"shifted: {', '.join(moved)}" if moved else f"PSI {found[0][1]:.3f} in all, at most {worst[1]:.3f} in a part"
    )
    return verdict(not moved), f"{said} ({worst[0]}); above {bound} and above what chance explains is a shift"


def _shares(evidence: Evidence, bound: float) -> Found:
    """Compare the last month with the month a year before it, or the first: a season moves shares every year."""
    found = {}
    for name in evidence.metrics["lenses"]:
        flows = evidence.table(f"flows_{name}")
        if flows is None or flows["as_of"].nunique() < 2:
            continue
        months = sorted(flows["as_of"].unique())
        sizes = flows.pivot_table(index="as_of", columns="segment", values="size", aggfunc="sum", fill_value=0)
        two = sizes.loc[[months[max(len(months) - 13, 0)], months[-1]]].to_numpy(float)
        before, after = two[:, two.any(axis=0)]  # a segment that is empty in both is none
        chance = psi_by_chance(len(before), int(before.sum()), int(after.sum()))
        found[name] = (float(contributions(before, after).sum()), chance)
    if not found:
        return "not_applicable", "one month only: nothing to compare with"
    moved = ", ".join(f"{name} {value:.3f}" for name, (value, chance) in found.items() if value > max(bound, chance))
    said = ", ".join(f"{name} {value:.3f}" for name, (value, _) in found.items())
    shifted = f"shifted: {moved}; " if moved else ""
    return verdict(not moved), f"PSI of the shares over a year: {said}; {shifted}a shift is above {bound}"


def inputs(evidence: Evidence) -> Found:
    """A strong input whose values moved carries the score away from what it was learned on."""
    moved, ranking = evidence.table("csi"), evidence.table("summary")
    if moved is None or ranking is None:
        return "not_applicable", "no later rows, or no explanation: nothing to compare"
    bound = evidence.bounds["psi"]
    strong = ranking[ranking["rank"] <= STRONGEST].merge(moved, on="feature").sort_values("rank")
    found = [f"{r['feature']} (rank {r['rank']}) {r['psi']:.3f}" for _, r in strong[strong["psi"] > bound].iterrows()]
    most = strong.iloc[int(strong["psi"].argmax())]
    return verdict(not found), (
        f"shifted among the {len(strong)} strongest: {', '.join(found)}; PSI must not be above {bound}"
        if found
        else f"of the {len(strong)} strongest inputs {most['feature']} moved most, PSI {most['psi']:.3f}; bound {bound}"
    )


def reasons(evidence: Evidence) -> Found:
    """The strongest features must be the same in resamples of customers, and in earlier and later rows."""
    told = evidence.metrics.get("explanation") or {}
    stability = told.get("ranking_stability")
    if not stability:
        return "not_applicable", "the stage explained no score"
    bound, half = evidence.bounds["top_overlap"], told.get("ranking_by_half") or {}
    found = {"resamples, worst of twenty": stability["jaccard_low"]}
    if half:
        found["earlier against later rows"] = half["jaccard"]
    said = ", ".join(f"{name} {value:.2f}" for name, value in found.items())
    return verdict(min(found.values()) >= bound), (
        f"overlap (Jaccard) of the ten strongest features: {said}; must reach {bound}"
    )


def signs(evidence: Evidence) -> Found:
    """An effect contradicts when it is not negligible and runs clearly against the dictionary's sign."""
    told = evidence.table("directions")
    if told is None or not evidence.signs:
        return "not_applicable", "no effects were told, or the dictionary states no sign for this outcome"
    share, least = evidence.bounds["sign_share"], evidence.bounds["sign_correlation"]
    known = told[told["feature"].isin(evidence.signs) & (told["share"] >= share) & told["direction"].notna()]
    expected = known["feature"].map(dict(evidence.signs))
    wrong = known[known["direction"] * expected <= -least]
    if known.empty:
        return "not_applicable", f"no feature with a stated sign has a share of {share:.0%} in the score"
    named = ", ".join(
        f"{r['feature']} ({'raises' if r['direction'] > 0 else 'lowers'} the score, share {r['share']:.1%})"
        for _, r in wrong.iterrows()
    )
    return verdict(wrong.empty), (
        f"against the dictionary: {named}" if named else
        f"all {len(known)} features with a stated sign and a share of {share:.0%} or more act as stated"
    )  # fmt: skip
