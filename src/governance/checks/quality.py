"""Is the model good enough: by itself, beside its simplest rival, beside the champion, and as its kind asks."""

import pandas as pd

from .check import Evidence, Found, spelled, verdict


def quality(evidence: Evidence) -> Found:
    auc = evidence.metrics["test"]["roc_auc"]
    bound = evidence.bounds["roc_auc_low"]
    return verdict(auc["low"] >= bound), f"ROC AUC {spelled(auc)} on later months; its lower end must reach {bound}"


def calibration(evidence: Evidence) -> Found:
    test = evidence.metrics["test"]
    slope, ratio = test["calibration_slope"], test["observed_over_expected"]
    reach = evidence.bounds["calibration_tolerance"]
    # judged by the interval: a small test part must not fail a model for noise, nor pass one that is far off
    good = all(m["low"] <= 1 + reach and m["high"] >= 1 - reach for m in (slope, ratio))
    return verdict(good), (
        f"slope {spelled(slope, 2)}, observed/expected {spelled(ratio, 2)}; both intervals must reach 1 ± {reach}"
    )


def baseline(evidence: Evidence) -> Found:
    """A simple rival is the rule unless the difference is real: its interval must leave 0 out."""
    choice = evidence.metrics.get("choice")
    if choice is not None:  # an uplift has no single column as rival: it is response ranking that it must beat
        if choice["chosen"] == "response":
            return "not_applicable", "the simple rival itself, response ranking, was chosen: the data support no more"
        chosen, learners = choice["chosen"], choice["learners"]
        judged = (
            "average" if "average" in learners and chosen != "one_rule" else chosen
        )  # the best of many leads by luck
        found = learners[judged]
        lead = {"value": found["over_rival"], "low": found["over_rival_low"], "high": found["over_rival_high"]}
        told = chosen if judged == chosen else f"{chosen} is used, and the average of the learners"
        return verdict(lead["low"] > 0), f"{told} gains {spelled(lead, 5)} more than response ranking"
    beside = evidence.metrics.get("baseline")
    if beside is None:
        return "not_applicable", "the stage measured no simple rival"
    lead, alone = beside["lead"], beside["baseline"]
    return verdict(lead["low"] > 0), (
        f"{beside['measure']} {spelled(lead)} over {beside['what']} ({alone['value']:.3f}) on {beside['rows']:,} rows: "
        "its lower end must be above 0"
    )


def champion(evidence: Evidence) -> Found:
    """Non-inferiority (Piaggio et al. 2012, JAMA 308:2594): the interval must stay above minus the margin."""
    comparison = evidence.comparison
    if comparison is None:
        return "not_applicable", "there is no other champion to compare with"
    judged = comparison.judged()
    if judged.empty:
        return "not_applicable", comparison.note
    said, bad = [], []
    for row in judged.to_dict("records"):
        text = (f"{row['measure']} {row['difference']:+.4f} ({row['low']:+.4f} to {row['high']:+.4f}), "
                f"margin {row['margin']:g}")  # fmt: skip
        said.append(text)
        bad += [text] if row["worst"] < -row["margin"] else []
    on = f"against version {comparison.champion_version} on {comparison.rows:,} common rows"
    if bad:
        return "fail", f"may be worse by more than the margin {on}: {'; '.join(bad)}"
    return "pass", f"not worse by more than the margin {on}: {'; '.join(said)}"


def segments(evidence: Evidence) -> Found:
    lenses = evidence.metrics.get("lenses")
    if not lenses:
        return "not_applicable", "the model assigns no segments"
    found = {name: lens["stability"] for name, lens in lenses.items() if lens.get("stability") is not None}
    bound = evidence.bounds["stability"]
    weak = [f"{name} ({value:.2f})" for name, value in found.items() if value < bound]
    said = ", ".join(f"{name} {value:.2f}" for name, value in found.items()) or "no lens of clusters has structure"
    return verdict(not weak), f"adjusted Rand over bootstrap refits: {said}; each must reach {bound}"


def forecast(evidence: Evidence) -> Found:
    test = {
        h: m for h, m in evidence.metrics.get("test", {}).items() if isinstance(m, dict) and "rank_correlation" in m
    }
    if not test:
        return "not_applicable", "the model forecasts no margin"
    bound, reach = evidence.bounds["rank_correlation_low"], evidence.bounds["coverage_tolerance"]
    good, said = True, []
    for horizon, measures in test.items():
        rank, covered = measures["rank_correlation"], measures["coverage"]["overall"]
        good &= rank["low"] >= bound and abs(covered - evidence.metrics["level"]) <= reach
        said.append(f"{horizon}: rank correlation {spelled(rank)}, intervals cover {covered:.3f}")
    return verdict(good), f"{'; '.join(said)}; asked are {bound} and {evidence.metrics['level']} ± {reach}"


def effect(evidence: Evidence) -> Found:
    test = evidence.metrics.get("test", {})
    if "uplift_at_30pct" not in test:
        return "not_applicable", "the model estimates no effect of an offer"
    uplift, gap, later = test["uplift_at_30pct"], test["treated_share_gap"], test["gain_at_50pct"]
    choice = evidence.metrics["choice"]
    gained = choice["learners"][choice["chosen"]]
    bound = evidence.bounds["treated_share_gap"]
    blind = gap["low"] <= bound and gap["high"] >= -bound
    # two later campaigns leave wide intervals: they must not contradict what all campaigns together show
    good = blind and gained["low"] > 0 and later["high"] > 0
    return verdict(good), (
        f"lists gain {gained['policy_value']:.4f} ({gained['low']:.4f} to {gained['high']:.4f}) responses a customer, "
        f"cross-fitted; on later campaigns their first half {later['value']:.4f} ({later['low']:.4f} to "
        f"{later['high']:.4f}), their first 30 % respond {uplift['value']:+.4f} more with the offer; the share treated "
        f"among these is {gap['value']:+.3f} off ({gap['low']:+.3f} to {gap['high']:+.3f}) and must reach ±{bound}: a "
        f"score must not know who was treated. {choice['verdict']}"
    )


def every_part(evidence: Evidence) -> Found:
    """A part fails when its whole interval lies below what the whole must reach: it may be small, but not useless."""
    parts = evidence.table("parts")
    if parts is None:
        return _coverage(evidence) or ("not_applicable", "the stage measured no parts")
    known, bound = parts[parts["roc_auc"].notna()], evidence.bounds["roc_auc_low"]
    if known.empty:
        return "not_applicable", "no month or segment has the 20 events that an interval needs"
    weak = known[known["high"] < bound]
    worst = known.iloc[int(known["roc_auc"].argmin())]
    said = "; ".join(_part(row) for _, row in weak.iterrows()) if len(weak) else f"the lowest is {_part(worst)}"
    left = len(parts) - len(known)
    return verdict(weak.empty), (
        f"{len(known)} parts{f', {left} too small to be measured' if left else ''}; {said}; no interval may lie below "
        f"{bound}"
    )


def _part(row: pd.Series) -> str:
    return f"{row['kind']} {row['part']} {row['roc_auc']:.3f} ({row['low']:.3f}–{row['high']:.3f})"


def _coverage(evidence: Evidence) -> Found | None:
    """Of a forecast: whether its intervals hold in every fifth of the customers, from the smallest forecasts up."""
    test = evidence.metrics.get("test", {})
    found = {h: m["coverage"]["by_quintile"] for h, m in test.items()
             if isinstance(m, dict) and "by_quintile" in m.get("coverage", {})}  # fmt: skip
    if not found:
        return None
    level, reach = evidence.metrics["level"], evidence.bounds["part_coverage_tolerance"]
    bad = [f"{h}, fifth {i + 1}: {c:.3f}" for h, parts in found.items() for i, c in enumerate(parts)
           if abs(c - level) > reach]  # fmt: skip
    ends = ", ".join(f"{h} {min(parts):.3f} to {max(parts):.3f}" for h, parts in found.items())
    said = f"intervals cover {'; '.join(bad) if bad else ends} by fifths of the forecast; asked is {level} ± {reach}"
    return verdict(not bad), said
