"""Chapters of origin: data and lineage, the outcome that was learned, the features."""

import pandas as pd

from ...reports.document import Block, Facts, Heading, Section, Table, Text
from ..subject import Subject, flat


def lineage(subject: Subject) -> Section:
    """From which inputs, by which notebook and parameters the model was made."""
    made = subject.provenance
    inputs = pd.DataFrame(sorted(made.get("inputs", {}).items()), columns=["input", "digest"])
    blocks: list[Block] = [
        Text("Equal inputs, parameters and lock give the same model, byte by byte."),
        Facts.of({
            "notebook": made.get("notebook"), "notebook, sha256": made.get("notebook_sha256"),
            "parameters, sha256": made.get("params_sha256"), "lock of the libraries, sha256": made.get("lock_sha256"),
            "git commit": subject.commit or "not recorded with this folder: see the tags of the run in MLflow",
            "model folder, sha256": subject.digest,
            **({"learned from outcomes until": known} if (known := subject.artifact.spec.get("learned_until")) else {}),
        }),
        Table.of(inputs, "Inputs and the sha256 of their whole content"),
        Table.of(pd.DataFrame(flat(made.get("params", {})).items(), columns=["parameter", "value"]),
                 "Parameters of the stage", folded=True),
    ]  # fmt: skip
    population = subject.metrics.get("population")
    blocks.append(Heading("Rows"))
    if population:
        blocks.append(Facts.of({name.replace("_", " "): value for name, value in population.items()}))
    elif subject.metrics.get("customers"):
        blocks.append(Facts.of({"customers": subject.metrics["customers"]}))
    else:
        blocks.append(Text("The stage counts rows by cohort: see the measures.", "absent"))
    return Section("lineage", "Data and lineage", [*blocks, *_audit(subject)])


def _audit(subject: Subject) -> list[Block]:
    audit = subject.audit
    if audit is None:
        return [
            Heading("Leak audit"),
            Text("A ready table: there are no events to rebuild its features from.", "absent"),
        ]
    blocks: list[Block] = [
        Heading("Leak audit"),
        Text("The features of a sample were rebuilt with everything dated later removed, and again with it altered."),
        Facts.of({"customers": audit.get("customers"), "features": audit.get("features"), "dates": audit.get("as_of"),
                  "differences found": len(audit.get("findings", ())), "passed": bool(audit.get("passed"))}),
    ]  # fmt: skip
    for key, caption in (
        ("findings", "What was found"),
        ("waived", "Columns that carry no date, accepted with a reason"),
    ):
        rows = pd.DataFrame(audit.get(key, ()))
        if len(rows):
            blocks.append(Table.of(rows, caption))
    return blocks


def outcome(subject: Subject) -> Section:
    """The written definition of what the model learned to foresee."""
    if not subject.label:
        table = subject.provenance.get("params", {}).get("table") or {}
        why = (
            f"A ready table: its column {table['label']!r} was taken as it is; whoever made it defines it."
            if "label" in table
            else "The model learns no outcome: it describes customers by what they are and do."
        )
        return Section("outcome", "The outcome that is learned", [Text(why, "absent")])
    blocks: list[Block] = [Text(paragraph) for paragraph in subject.label.split("\n\n")]
    if subject.label_terms:
        blocks += [Heading("Set to"), Facts.of({n.replace("_", " "): v for n, v in subject.label_terms.items()})]
    return Section("outcome", "The outcome that is learned", blocks)


def features(subject: Subject) -> Section:
    """Every input with its meaning, unit and window."""
    used = pd.DataFrame({"name": [feature["name"] for feature in subject.artifact.spec["features"]]})
    blocks: list[Block] = [Text(f"{len(used)} inputs.")]
    known = subject.dictionary
    if len(known):
        columns = [c for c in ("name", "family", "meaning", "unit", "window") if c in known]
        rows = used.merge(known[columns], on="name", how="left").fillna("not in the dictionary")
        families = rows["family"].value_counts(sort=False).rename_axis("family").reset_index(name="inputs")
        blocks.append(Table.of(families, "Inputs by family"))
        blocks.append(Table.of(rows, "Every input: meaning, unit and window", folded=True))
    else:
        blocks.append(Text("A ready table brings no dictionary: what its columns mean is not known here.", "absent"))
        blocks.append(Table.of(used, "Every input", folded=True))
    notes = subject.metrics.get("notes") or []
    if notes:
        blocks += [Heading("Left out"), *(Text(str(note), "note") for note in notes)]
    suspects = subject.metrics.get("suspected_leaks") or []
    if suspects:
        rows = pd.DataFrame([s if isinstance(s, dict) else {"feature": s} for s in suspects])
        blocks.append(Table.of(rows, "Suspected leaks: inputs that carry the model alone, or nearly"))
    return Section("features", "Features", blocks)
