"""Is the folder the model that was measured, and does it score whatever the scoring job may bring."""

import numpy as np
import pandas as pd

from ...errors import ArtifactError
from ...models.artifact import folder_digest, load_artifact
from .check import Evidence, Found, verdict


def contract(evidence: Evidence) -> Found:
    from ...models.contract import contract_findings

    findings = contract_findings(evidence.folder, evidence.sample)
    return verdict(not findings), "; ".join(findings) if findings else (
        "missing, boolean, integer, unseen and shuffled inputs score; a missing column is refused by name; no pickle"
    )


def same_predictions(evidence: Evidence) -> Found:
    now = evidence.artifact.predict(evidence.sample)
    then = evidence.predictions
    shared = [c for c in now.columns if c in then.columns]
    measured = [c for c in shared if pd.api.types.is_numeric_dtype(now[c])]
    gap = float(np.nan_to_num(np.abs(now[measured].to_numpy() - then[measured].to_numpy())).max(initial=0.0))
    named = [c for c in shared if c not in measured]
    differ = sum(int((now[c].fillna("") != then[c].fillna("")).sum()) for c in named)
    return verdict(bool(shared) and gap <= 1e-12 and not differ), (
        f"largest difference {gap:.1e}{f', {differ} other segments' if named else ''} over {len(now)} rows, "
        f"{', '.join(shared)}"
    )


def unaltered(evidence: Evidence) -> Found:
    """Every file is the one that ``model.json`` names, and the folder the one that the run says it made."""
    try:
        load_artifact(evidence.folder)
    except ArtifactError as broken:
        return "fail", " ".join(str(broken).split())
    found = folder_digest(evidence.folder)
    if evidence.stated_digest is None:
        return "not_applicable", f"the run states no digest of its model; the folder is {found[:12]}, whole by itself"
    return verdict(found == evidence.stated_digest), (
        f"the folder is {found[:12]}, its run made {evidence.stated_digest[:12]}"
    )
