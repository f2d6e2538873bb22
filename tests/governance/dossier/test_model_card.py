from collections.abc import Callable

import pandas as pd
import pytest

from afraz.governance.dossier import Subject, document
from afraz.governance.model_card import DESCRIPTION, model_card

Maker = Callable[..., Subject]


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["churn", "credit", "segmentation", "value", "promotion"])
def test_the_card_has_every_heading_whole_or_cut_to_what_the_registry_keeps(subject: Maker, kind: str) -> None:
    made = subject(kind)
    titles = [section.title for section in document(made).sections]
    whole, cut = model_card(document(made)), model_card(document(made), DESCRIPTION)
    assert len(cut) <= DESCRIPTION
    for card in (whole, cut):
        lines = [line for line in card.splitlines() if line.startswith("## ")]
        assert [line.removeprefix("## ").replace("\\", "") for line in lines] == titles
        assert "Who leaves." in card
        assert "AFZ001" in card


def test_the_whole_card_has_the_tables_and_the_words_of_the_pictures(subject: Maker) -> None:
    card = model_card(document(subject()))
    assert "| recency | behaviour | days since the last visit | days | 90 days |" in card
    assert "Best loss so far: 0.30000 after the first trial" in card
    assert "data:image" not in card


def test_a_long_text_still_fits_and_keeps_the_verdict(subject: Maker) -> None:
    many = [{"at": "2026", "who": "w" * 300, "action": "comment", "version": 3, "note": "n" * 900}] * 200
    cut = model_card(document(subject(decisions=many, label="word " * 4000)), DESCRIPTION)
    assert len(cut) <= DESCRIPTION
    assert "Passed every check that blocks" in cut
    assert "## Reviewers' decisions" in cut


def test_text_from_the_data_is_neither_markup_nor_table(subject: Maker) -> None:
    evil = "<script>x</script> | **b** [a](javascript:alert(1)) `c`"
    known = pd.DataFrame({"name": ["recency", "spend"], "family": "f", "meaning": evil, "unit": "u", "window": "w",
                          "type": "double", "low": "l", "high": "h"})  # fmt: skip
    card = model_card(document(subject(dictionary=known)))
    assert "<script" not in card
    assert "[a](" not in card
    row = next(line for line in card.splitlines() if line.startswith("| recency | f |"))
    assert row.replace("\\|", "").count("|") == 6
