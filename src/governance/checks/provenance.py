"""What it was made of: features that know no future, a dictionary, sound data, and outcomes that are not too old."""

from ...models.artifact import learned_until
from .check import Evidence, Found, verdict


def leaks(evidence: Evidence) -> Found:
    audit = evidence.leak_audit
    if audit is None:
        return "not_applicable", "a ready table: no events to rebuild its features from"
    names = sorted({str(f.get("feature")) for f in audit["findings"] if not f.get("waived")})
    if audit["passed"]:
        return "pass", "no feature changes when the future is removed or altered"
    return "fail", f"features that change with the future: {', '.join(names)}"


def single_feature(evidence: Evidence) -> Found:
    suspects = evidence.metrics.get("suspected_leaks", [])
    names = ", ".join(str(s["feature"]) if isinstance(s, dict) else str(s) for s in suspects)
    return verdict(not suspects), f"suspected: {names}" if suspects else "no single feature carries the model"


def dictionary(evidence: Evidence) -> Found:
    if not evidence.known_features:
        return "not_applicable", "a ready table brings no dictionary"
    used = [f["name"] for f in evidence.artifact.spec["features"]]
    absent = [name for name in used if name not in evidence.known_features]
    return verdict(not absent), (
        f"no dictionary row: {', '.join(absent)}" if absent else f"all {len(used)} features have one"
    )


def data_quality(evidence: Evidence) -> Found:
    refused = evidence.refused
    if refused is None:
        return "not_applicable", "a ready table: nothing was ingested"
    bound = evidence.bounds["rejected_share"]
    bad = refused[refused["share"] > bound]
    worst = refused.iloc[int(refused["share"].argmax())]
    named = ", ".join(f"{r['table']} {r['rejected']:,} of {r['read']:,} rows" for _, r in bad.iterrows())
    return verdict(bad.empty), (
        f"refused: {named}; more than {bound:.0%} of a table is a broken delivery" if named else
        f"{int(refused['rejected'].sum()):,} of {int(refused['read'].sum()):,} rows refused, most in {worst['table']} "
        f"({worst['share']:.2%}); at most {bound:.0%} of a table may be"
    )  # fmt: skip


def age(evidence: Evidence) -> Found:
    if evidence.today is None or evidence.valid_for_days is None:
        return "not_applicable", "no date to judge it at"
    until = learned_until(evidence.folder)
    if until is None:
        return "not_applicable", "the model does not say until when it learned: its table has no dates, or it is older"
    days = (evidence.today - until.date()).days
    return verdict(days <= evidence.valid_for_days), (
        f"the last outcome that it learned from was known on {until:%Y-%m-%d}, {days} days before "
        f"{evidence.today:%Y-%m-%d}; valid are {evidence.valid_for_days}"
    )
