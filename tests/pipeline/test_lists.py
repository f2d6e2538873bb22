"""Lists go out as files and come back as treatments; nothing that came is lost."""

import sys
from datetime import date
from pathlib import Path

import pandas as pd
import pytest
import sqlalchemy as sa

from afraz import catalog, cli
from afraz.data.ingest import ingest
from afraz.decisioning.round_campaigns import round_campaigns
from afraz.errors import DataError, ParamsError
from afraz.pipeline.lists import hand_out, take_in

ROUND = "2026-07-01"
HEADER = "campaign_id,customer_id,delivered_at,reached_at,responded_at,response_value"


@pytest.fixture
def decided(workspace: Path) -> Path:
    rows = pd.DataFrame({
        "campaign_id": ["2026-07-01-card", "2026-07-01-loan"], "customer_id": ["C1", "C2"], "offer": ["card", "loan"],
        "channel": ["call", "email"], "reason_1": ["=HYPERLINK(1)", "pays fees"], "arm": ["card", "loan"],
        "propensity": [0.7, 0.7], "week": [1, 1], "expires_at": pd.Timestamp("2026-07-20"),
    })  # fmt: skip
    held = rows.head(1).assign(customer_id="C3", arm="control", propensity=0.3, expires_at=pd.NaT)
    catalog.save("contact_list", rows)
    keep(rows, held, "2026-07-01")
    return workspace


def keep(contacts: pd.DataFrame, withheld: pd.DataFrame, day: str) -> None:
    """Keep a round as the decide stage does."""
    offers = pd.DataFrame({"offer": ["card", "loan"], "channel": ["call", "email"], "contact_cost": [4.0, 0.1],
                           "offer_cost": [5.0, 8.0]})  # fmt: skip
    catalog.save("round", contacts, as_of=day)
    catalog.save("round_withheld", withheld, as_of=day)
    campaigns = round_campaigns(contacts, withheld, offers, date.fromisoformat(day))
    catalog.save("round_campaigns", campaigns, as_of=day)


def test_one_file_per_campaign_or_channel_and_formulas_are_neutralised(decided: Path) -> None:
    files, sent = hand_out(decided, ending=".csv")
    assert sorted(f.name for f in files) == ["2026-07-01-card.csv", "2026-07-01-loan.csv"]
    assert sent is None
    assert "'=HYPERLINK(1)" in files[0].read_text("utf-8")
    assert sorted(f.name for f in hand_out(decided, by="channel")[0]) == ["call.xlsx", "email.xlsx"]
    with pytest.raises(DataError, match="contact lists have no column 'agent': choose one of"):
        hand_out(decided, by="agent")


def test_sending_twice_leaves_one_row_each(decided: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    url = f"sqlite:///{decided / 'lists.db'}"
    monkeypatch.setenv("AFRAZ_LISTS_URL", url)
    for _ in range(2):
        _, sent = hand_out(decided, ending=".csv", url_env="AFRAZ_LISTS_URL")
        assert sent is not None
        assert (sent.rows, sent.left_over) == (2, 0)
    with sa.create_engine(url).connect() as connection:
        assert connection.execute(sa.text("select count(*) from contact_list")).scalar() == 2


def test_responses_become_treatments_of_everybody_assigned_and_strangers_are_kept_as_rejects(decided: Path) -> None:
    came = decided / "came.csv"
    came.write_text(
        f"{HEADER}\n"
        "2026-07-01-card,C1,2026-07-02,2026-07-02 10:00,2026-07-05,12.5\n"
        "2026-07-01-card,C9,2026-07-02,,,\n"
        "2026-07-01-card,C3,,,2026-06-05,\n",
        "utf-8",
    )
    found = take_in(came, decided / "treatments.csv", pd.Timestamp("2026-08-01"))
    assert (found.accepted, found.rejected) == (1, 2)
    rows = pd.read_csv(found.treatments).set_index("customer_id")
    assert sorted(rows.index) == ["C1", "C2", "C3"], "control and those without an answer are assigned as well"
    assert rows.loc["C1", "response_value"] == 12.5
    assert pd.isna(rows.loc["C3", "responded_at"])
    assert rows.loc["C3", ["arm", "propensity"]].tolist() == ["control", 0.3]
    assert found.rejects is not None
    assert pd.read_csv(found.rejects)["rule"].tolist() == ["customer_unknown", "responded_before_assigned"]


def test_ids_are_text_and_one_bad_cell_refuses_its_row_alone(decided: Path) -> None:
    ids = [f"{n:06}" for n in range(60)]
    rows = catalog.load("round", as_of=ROUND).head(1)
    catalog.save("round", pd.concat([rows.assign(customer_id=name) for name in [*ids, "NA"]]), as_of=ROUND)
    lines = [f"2026-07-01-card,{name},2026-07-02,,2026-07-05,{n}" for n, name in enumerate(ids)]
    lines += ["2026-07-01-card,X9,2026-07-02,,,", "2026-07-01-card,NA,2026-07-02,,2026-07-05,12"]
    lines[5] = '2026-07-01-card,000005,2026-07-02,,2026-07-05,"12,5"'
    came = decided / "came.csv"
    came.write_text("\n".join([HEADER, *lines]) + "\n", "utf-8")
    found = take_in(came, decided / "treatments.csv", pd.Timestamp("2026-08-01"))
    assert (found.accepted, found.rejected) == (60, 2)
    assert found.rejects is not None
    refused = pd.read_csv(found.rejects, dtype=str)
    assert refused[["customer_id", "response_value", "rule"]].fillna("").to_numpy().tolist() == [
        ["000005", "12,5", "response_value_not_a_number"], ["X9", "", "customer_unknown"],
    ]  # fmt: skip


@pytest.mark.parametrize("returned", ["+4912", "'+4912"], ids=["its own", "as its list was handed out"])
def test_an_id_that_looks_like_a_formula_stays_the_id_that_ingest_knows(decided: Path, returned: str) -> None:
    rows = catalog.load("round", as_of=ROUND)
    catalog.save("round", rows.replace({"customer_id": {"C1": "+4912"}}), as_of=ROUND)
    came = decided / "came.csv"
    came.write_text(f"{HEADER}\n2026-07-01-card,{returned},2026-07-02,,2026-07-05,12.5\n", "utf-8")
    found = take_in(came, decided / "treatments.csv", pd.Timestamp("2026-08-01"))
    assert found.accepted == 1
    assert pd.read_csv(found.treatments, dtype=str)["customer_id"].tolist() == ["+4912", "C2", "C3"]


@pytest.mark.parametrize("ending", [".csv", ".parquet"])
def test_a_later_file_completes_and_corrects_and_again_changes_nothing(decided: Path, ending: str) -> None:
    out = decided / f"treatments{ending}"
    files = {
        "week1.csv": "2026-07-01-card,C1,2026-07-02,,2026-07-05,12.5\n2026-07-01-card,=C9,,,,\n",
        "week2.csv": "2026-07-01-loan,C2,2026-07-08,,2026-07-09,7\n2026-07-01-card,C8,,,,\n",
        "week3.csv": "2026-07-01-card,C1,,2026-07-04,,20\n",  # completes reached_at, corrects the value
    }
    for name, rows in files.items():
        (decided / name).write_text(f"{HEADER}\n{rows}", "utf-8")
        found = take_in(decided / name, out, pd.Timestamp("2026-08-01"))
        assert found.accepted == 1
    rows = (pd.read_csv(out) if ending == ".csv" else pd.read_parquet(out)).set_index("customer_id")
    assert sorted(rows.index) == ["C1", "C2", "C3"]
    told = rows.loc["C1", ["delivered_at", "reached_at", "responded_at"]].map(pd.Timestamp).dt.day
    assert told.tolist() == [2, 4, 5]
    assert rows["response_value"].astype(float).loc[["C1", "C2"]].tolist() == [20, 7]
    refused = decided / "treatments_rejects.csv"
    assert pd.read_csv(refused)[["file", "line", "customer_id"]].to_numpy().tolist() == [
        ["week1.csv", 2, "'=C9"], ["week2.csv", 2, "C8"],
    ]  # fmt: skip
    bytes_then = out.read_bytes(), refused.read_bytes()
    for name in ("week3.csv", "week2.csv"):
        take_in(decided / name, out, pd.Timestamp("2026-08-01"))
    assert (out.read_bytes(), refused.read_bytes()) == bytes_then


def test_what_is_no_file_of_treatments_is_not_written_over(decided: Path) -> None:
    came, out = decided / "came.csv", decided / "treatments.csv"
    came.write_text(f"{HEADER}\n2026-07-01-card,C1,2026-07-02,,,\n", "utf-8")
    out.write_text("customer_id,amount\nC1,7\n", "utf-8")
    with pytest.raises(DataError, match="treatments taken in before: expected columns .* missing campaign_id"):
        take_in(came, out, pd.Timestamp("2026-08-01"))
    with pytest.raises(ParamsError, match=r"treatments.xlsx: expected a file that ends in .csv or .parquet"):
        take_in(came, out.with_suffix(".xlsx"), pd.Timestamp("2026-08-01"))
    assert out.read_text("utf-8") == "customer_id,amount\nC1,7\n"


def test_the_loop_closes_over_rounds_and_what_came_back_passes_ingest(decided: Path) -> None:
    folder = decided / "bank"
    folder.mkdir()
    out = folder / "treatments.csv"
    (folder / "july.csv").write_text(f"{HEADER}\n2026-07-01-card,C1,2026-07-02,,2026-07-05,12.5\n", "utf-8")
    assert take_in(folder / "july.csv", out, pd.Timestamp("2026-07-10")).accepted == 1
    card, loan = (catalog.load("round", as_of=ROUND).loc[[n]] for n in (0, 1))
    august = card.assign(campaign_id="2026-08-01-card", customer_id="C2", expires_at=pd.Timestamp("2026-08-20"))
    held = loan.assign(campaign_id="2026-08-01-card", offer="card", channel="call", customer_id="C1", arm="control")
    catalog.save("contact_list", august)
    keep(august, held, "2026-08-01")
    came = "2026-07-01-loan,C2,2026-07-08,,2026-08-02,7\n2026-08-01-card,C1,,,2026-08-04,3\n"
    (folder / "august.csv").write_text(f"{HEADER}\n{came}", "utf-8")
    found = take_in(folder / "august.csv", out, pd.Timestamp("2026-08-10"))
    assert (found.accepted, found.rejected) == (2, 0)

    (folder / "customers.csv").write_text("customer_id,joined_at\nC1,2020-01-01\nC2,2020-01-01\nC3,2020-01-01\n")
    (folder / "transactions.csv").write_text(
        "transaction_id,customer_id,booked_at,amount\nT1,C1,2026-01-05 10:00:00,-12.50\n"
    )
    files = {"customers": "customers", "transactions": "transactions", "treatments": out.stem,
             "campaigns": found.campaigns.stem}  # fmt: skip
    source = {"kind": "files", "path": str(folder), "tables": {t: {"path": f"{f}.csv"} for t, f in files.items()}}
    ingest([source], folder / "canonical", folder / "rejects", observed_until=date(2026, 8, 15), max_reject_share=0.0)
    rows = pd.read_parquet(folder / "canonical" / "treatments.parquet").set_index(["campaign_id", "customer_id"])
    assert sorted(rows.index) == [("2026-07-01-card", "C1"), ("2026-07-01-card", "C3"), ("2026-07-01-loan", "C2"),
                                  ("2026-08-01-card", "C1"), ("2026-08-01-card", "C2")]  # fmt: skip
    assert rows.groupby("campaign_id")["responded_at"].count().tolist() == [1, 1, 1]
    assert rows.loc[("2026-08-01-card", "C1"), ["arm", "propensity"]].tolist() == ["control", 0.7]
    campaigns = pd.read_parquet(folder / "canonical" / "campaigns.parquet").set_index("campaign_id")
    told = campaigns.loc["2026-07-01-loan", ["offer", "channel", "contact_cost", "offer_cost", "response_window_days"]]
    assert [str(cell) for cell in told] == ["loan", "email", "0.10", "8.00", "30"]
    catalog.path("round_campaigns", as_of=ROUND).unlink()  # a round that is gone takes nothing with it
    take_in(folder / "august.csv", out, pd.Timestamp("2026-08-10"))
    assert len(pd.read_csv(out)) == 5
    assert sorted(pd.read_csv(found.campaigns)["campaign_id"]) == sorted(campaigns.index)


def test_windows_begin_with_the_planned_week_for_treated_and_control_alike(decided: Path) -> None:
    for name in ("round", "round_withheld"):
        rows = catalog.load(name, as_of=ROUND)
        catalog.save(name, rows.assign(week=rows["customer_id"].map({"C1": 1, "C2": 4, "C3": 4})), as_of=ROUND)
    came, out = decided / "came.csv", decided / "treatments.csv"
    came.write_text(f"{HEADER}\n2026-07-01-card,C1,2026-07-02,,,\n2026-07-01-loan,C2,2026-07-21,,,\n", "utf-8")
    early = take_in(came, out, pd.Timestamp("2026-07-22"))
    assert early.rejects is not None
    assert pd.read_csv(early.rejects)["rule"].tolist() == ["delivered_before_assigned"]
    assert pd.read_csv(out)["customer_id"].tolist() == ["C1"], "week 4 begins on 22 July"
    take_in(came, out, pd.Timestamp("2026-07-23"))
    assert pd.read_csv(out).set_index("customer_id")["assigned_at"].to_dict() == {
        "C1": "2026-07-01", "C2": "2026-07-22", "C3": "2026-07-22",
    }  # fmt: skip


@pytest.mark.parametrize("ending", [".csv", ".parquet"])
def test_a_round_of_which_nothing_came_back_is_not_taken_for_carried_out(decided: Path, ending: str) -> None:
    row = catalog.load("round", as_of=ROUND).head(1)
    keep(row.assign(campaign_id="2026-07-08-card"), row.head(0), "2026-07-08")
    came, out = decided / "came.csv", decided / f"treatments{ending}"
    for cell, listed in (("C9", []), ("C1", ["C1", "C2", "C3"])):
        came.write_text(f"{HEADER}\n2026-07-01-card,{cell},2026-07-02,,,\n", "utf-8")
        found = take_in(came, out, pd.Timestamp("2026-08-01"))
        rows = pd.read_csv(out) if ending == ".csv" else pd.read_parquet(out)
        assert rows["customer_id"].tolist() == listed
    assert set(rows["campaign_id"]) == {"2026-07-01-card", "2026-07-01-loan"}
    campaigns = pd.read_csv(found.campaigns) if ending == ".csv" else pd.read_parquet(found.campaigns)
    assert campaigns["campaign_id"].tolist() == ["2026-07-01-card", "2026-07-01-loan"]


def test_the_commands_say_what_they_did_and_without_a_round_what_to_do(
    decided: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["afraz", "lists", "--out", str(decided / "out"), "--ending", ".csv"])
    with pytest.raises(SystemExit, match="0"):
        cli.main()
    assert capsys.readouterr().out.replace("\n", "").count("wrote") == 2
    catalog.path("contact_list").unlink()
    with pytest.raises(SystemExit, match="1"):
        cli.main()
    assert "no round was decided yet: run `dvc repro decide` first" in capsys.readouterr().err.replace("\n", " ")
