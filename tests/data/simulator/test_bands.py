"""The mechanisms and base rates of the design's ninth section, held against a simulated bank.

The bands were fixed before any model was written. A band that a model can't live with is a finding about the model.
"""

import duckdb
import numpy as np
import pandas as pd
import pytest
from sklearn.cluster import KMeans
from sklearn.linear_model import LinearRegression
from sklearn.metrics import adjusted_rand_score, roc_auc_score

from afraz.data.simulator.credit import stressed
from afraz.data.simulator.economy import draw_economy

Bank = duckdb.DuckDBPyConnection
OUTCOME = """
    select t.*, coalesce(c.closed_at < t.as_of + interval 90 day, false) as leaves
    from truth_churn t join closures c using (customer_id)
    where t.at_risk and t.as_of <= timestamp '2026-04-01'
"""


def one(bank: Bank, query: str) -> float:
    return bank.execute(query).fetchone()[0]


@pytest.fixture(scope="module")
def outcomes(bank: Bank) -> pd.DataFrame:
    bank.execute(f"create or replace view outcome as {OUTCOME}")
    return bank.execute("from outcome").df()


@pytest.fixture(scope="module")
def loans(bank: Bank) -> pd.DataFrame:
    return bank.execute("""
        select l.*, t.default_probability, t.lgd, t.would_default, t.realised_loss, t.cures, t.gender, t.age,
               t.policy_only, t.policy_knowledge, t.recorded
        from loans l join truth_credit t using (loan_id) order by loan_id
    """).df()


# Size and season


def test_about_ten_transactions_a_customer_month(bank: Bank):
    months = one(bank, "select count(*) from truth_churn") / 31 * 36
    assert 9 <= one(bank, "select count(*) from transactions") / months <= 11


def test_the_bank_keeps_its_size(bank: Bank):
    sizes = bank.execute("select count(*) as n from truth_churn group by as_of").df()["n"]
    assert sizes.between(9_700, 9_950).all()


def test_december_brings_a_quarter_more(bank: Bank):
    per_day = bank.execute("""
        select month(booked_at) as month, count(*) / count(distinct booked_at::date) as rate
        from transactions where channel <> 'automatic' group by 1
    """).df().set_index("month")["rate"]  # fmt: skip
    assert 1.20 <= per_day[12] / per_day.drop(12).mean() <= 1.30


def test_salaries_come_at_the_end_of_the_month_and_spending_follows(bank: Bank):
    assert one(bank, "select avg((day(booked_at) between 24 and 28)::int) from transactions where kind = 'salary'") == 1
    after, middle = bank.execute("""
        select count(*) filter (day(booked_at) between 26 and 28) / 3,
               count(*) filter (day(booked_at) between 12 and 18) / 7
        from transactions where kind = 'purchase'
    """).fetchone()  # fmt: skip
    assert 1.2 <= after / middle <= 1.5


def test_the_regional_economy_moves_spending(bank: Bank):
    economy = draw_economy(7, 36, pd.Timestamp("2026-07-01").date())
    spend = bank.execute("""
        select region_id, date_trunc('month', booked_at) as month, ln(-sum(amount) / count(distinct customer_id)) as s
        from transactions join customers using (customer_id) where kind = 'purchase' group by 1, 2
    """).df().pivot(index="month", columns="region_id", values="s")  # fmt: skip
    spend = spend.sub(spend.mean(axis=1), axis=0) - spend.mean()
    cycle = economy.cycle - economy.cycle.mean(axis=1, keepdims=True) - economy.cycle.mean(axis=0)
    assert np.corrcoef(spend.to_numpy().ravel(), cycle.ravel())[0, 1] > 0.5


# Lifecycle


def test_base_rate_of_leaving_is_four_to_six_percent_and_steady(outcomes: pd.DataFrame):
    assert 0.04 <= outcomes["leaves"].mean() <= 0.06
    by_date = outcomes.groupby("as_of")["leaves"].mean()
    assert by_date.iloc[:6].mean() / by_date.iloc[-6:].mean() == pytest.approx(1, abs=0.15)


def test_the_latent_oracle_ranks_within_its_band(outcomes: pd.DataFrame):
    assert 0.82 <= roc_auc_score(outcomes["leaves"], outcomes["leave_90"]) <= 0.88


def test_log_odds_of_leaving_spread_as_designed(outcomes: pd.DataFrame):
    odds = np.log(outcomes["leave_90"] / (1 - outcomes["leave_90"]))
    assert 1.5 <= odds.std() <= 1.7


def test_truth_is_calibrated_overall_and_by_decile(outcomes: pd.DataFrame):
    assert 0.9 <= outcomes["leaves"].mean() / outcomes["leave_90"].mean() <= 1.1
    decile = pd.qcut(outcomes["leave_90"], 10, labels=False)
    sums = outcomes.groupby(decile)[["leaves", "leave_90"]].sum()
    events = sums["leave_90"]
    # the lowest deciles have few distinct leavers, so the band widens with the noise of a count
    slack = np.maximum(0.2, 4 / np.sqrt(events / 3))
    assert (abs(sums["leaves"] / events - 1) <= slack).all()


@pytest.mark.parametrize("days", [30, 60])
def test_shorter_horizons_are_calibrated_and_below_the_longer(bank: Bank, outcomes: pd.DataFrame, days: int):
    seen = one(
        bank,
        f"""
        select avg((c.closed_at < t.as_of + interval {days} day)::int) from truth_churn t
        join (select customer_id, coalesce(closed_at, timestamp '2100-01-01') as closed_at from closures) c
        using (customer_id) where t.as_of <= timestamp '2026-04-01'
    """,
    )
    assert 0.9 <= seen / outcomes[f"leave_{days}"].mean() <= 1.1
    assert (outcomes["leave_30"] <= outcomes["leave_60"]).all()
    assert (outcomes["leave_60"] <= outcomes["leave_90"]).all()


def test_seventy_to_eighty_percent_of_the_log_odds_variance_can_be_seen(bank: Bank):
    d = bank.execute("""
        select t.leave_90, t.phase, g.log_odds_seen as seen, ln(1 + date_diff('month', joined_at, as_of)) as tenure
        from truth_churn t join truth_groups g using (customer_id) join customers using (customer_id)
        where as_of in (timestamp '2025-01-01', timestamp '2026-01-01')
    """).df()
    phases = pd.get_dummies(d["phase"]).astype(float)
    x = pd.concat([phases, phases.mul(d["seen"], axis=0).add_prefix("s_"),
                   phases.mul(d["tenure"], axis=0).add_prefix("t_")], axis=1)  # fmt: skip
    y = np.log(d["leave_90"] / (1 - d["leave_90"]))
    assert 0.70 <= LinearRegression().fit(x, y).score(x, y) <= 0.80


@pytest.mark.parametrize(
    ("phase", "share"), [("new", 0.10), ("growing", 0.15), ("steady", 0.55), ("declining", 0.15), ("leaving", 0.05)]
)
def test_phases_have_their_shares(outcomes: pd.DataFrame, phase: str, share: float):
    assert (outcomes["phase"] == phase).mean() == pytest.approx(share, abs=0.03)


def test_three_in_ten_leave_without_a_decline(bank: Bank):
    abrupt = one(
        bank,
        """
        select avg((phase in ('new', 'growing', 'steady'))::int) from truth_churn join closures using (customer_id)
        where closed_at >= as_of and closed_at < as_of + interval 1 month
    """,
    )
    assert 0.25 <= abrupt <= 0.35


def test_growing_probability_is_calibrated(bank: Bank):
    expected, seen = bank.execute("""
        select avg(a.growing_90), avg(coalesce(b.phase = 'growing', false)::int)
        from truth_churn a left join truth_churn b
        on a.customer_id = b.customer_id and b.as_of = a.as_of + interval 3 month
        where a.as_of <= timestamp '2026-04-01'
    """).fetchone()
    assert seen / expected == pytest.approx(1, abs=0.06)


def test_growth_shows_against_the_year_before(bank: Bank):
    ratio = bank.execute("""
        select t.phase, median(n / (p + 1)) as ratio from truth_churn t join (
            select customer_id, count(*) filter (booked_at >= timestamp '2026-01-01') as n,
                   count(*) filter (booked_at >= timestamp '2025-01-01' and booked_at < timestamp '2025-04-01') as p
            from transactions
            where channel <> 'automatic' and booked_at >= timestamp '2025-01-01' and booked_at < timestamp '2026-04-01'
            group by 1) using (customer_id) join customers using (customer_id)
        where t.as_of = timestamp '2026-04-01' and joined_at < timestamp '2024-10-01' group by 1
    """).df().set_index("phase")["ratio"]  # fmt: skip
    assert ratio["growing"] > 1.25 * ratio["steady"]
    assert ratio["declining"] < 0.65 * ratio["steady"]


def test_nothing_happens_after_leaving(bank: Bank):
    for table, time in (("transactions", "booked_at"), ("contacts", "started_at")):
        assert (
            one(bank, f"select count(*) from {table} join closures using (customer_id) where {time} >= closed_at") == 0
        )
    assert one(bank, """select count(*) from accounts a join closures c using (customer_id)
        where c.closed_at is not null and (a.closed_at is null or a.closed_at > c.closed_at)""") == 0  # fmt: skip


def test_no_transaction_lies_outside_its_account(bank: Bank):
    assert one(bank, """select count(*) from transactions t join accounts a using (account_id)
        where t.customer_id <> a.customer_id or booked_at < opened_at or booked_at > closed_at""") == 0  # fmt: skip


NATURAL = """
    with recent as (
        select customer_id,
            count(*) filter (booked_at >= $a - interval 30 day) as n30,
            count(*) filter (booked_at >= $a - interval 90 day) as n90,
            count(*) filter (booked_at < $a - interval 90 day) as before,
            count(*) filter (channel <> 'automatic' and booked_at >= $a - interval 60 day) as own,
            count(*) filter (kind = 'salary' and booked_at >= $a - interval 35 day) as salary,
            count(*) filter (kind = 'transfer_out' and booked_at >= $a - interval 90 day) as outs,
            date_diff('day', max(booked_at) filter (channel <> 'automatic'), $a) as recency,
            date_diff('day', max(booked_at) filter (kind = 'salary'), $a) as salary_recency,
            sum(amount) filter (booked_at >= $a - interval 90 day) as net, sum(margin) as margin,
            sum(amount) filter (kind = 'fee') as fees
        from transactions where booked_at < $a and booked_at >= $a - interval 180 day group by 1),
    held as (
        select customer_id, count(*) filter (closed_at is null or closed_at >= $a) as products,
               count(*) filter (closed_at < $a) as closed
        from accounts where opened_at < $a group by 1),
    trouble as (
        select customer_id, count(*) filter (not resolved) as unresolved, avg(satisfaction) as satisfaction
        from contacts where started_at < $a and started_at >= $a - interval 90 day group by 1)
    select o.leaves, r.* exclude (customer_id), n90 / (before + 1) as trend, outs / (n90 + 1) as out_share,
           own / (n90 + before + 1) as own_share, fees / (own + 1) as fee_ratio, products, closed,
           coalesce(unresolved, 0) as unresolved, satisfaction,
           date_diff('day', joined_at, $a) as tenure, date_diff('day', birth_date, $a) as age
    from outcome o join recent r using (customer_id) join held using (customer_id) join customers using (customer_id)
    left join trouble using (customer_id) where o.as_of = $a
"""


def test_no_single_feature_gives_the_answer_but_many_say_something(bank: Bank, outcomes: pd.DataFrame):
    dates = [pd.Timestamp(f"{y}-{m:02d}-01") for y, m in ((2024, 6), (2024, 12), (2025, 5), (2025, 10), (2026, 3))]
    d = pd.concat([bank.execute(NATURAL, {"a": a}).df() for a in dates])
    found = {}
    for name in d.columns.drop("leaves"):
        values = d[name].replace([np.inf, -np.inf], np.nan)
        area = roc_auc_score(d["leaves"], values.fillna(values.median()))
        found[name] = max(area, 1 - area)
    assert max(found.values()) < 0.80
    assert sum(area > 0.55 for area in found.values()) >= 10


# Value


def test_margin_is_heavy_tailed_partly_negative_and_foreseeable_in_part(bank: Bank):
    d = bank.execute("""
        select v.customer_id, any_value(v.margin_12m) as expected, coalesce(sum(t.margin), 0) as realised
        from truth_value v left join transactions t on v.customer_id = t.customer_id
            and t.booked_at >= timestamp '2025-07-01' where v.as_of = timestamp '2025-07-01' group by 1
    """).df()
    assert 0.06 <= (d["realised"] < 0).mean() <= 0.10
    assert 1.05 <= np.log(d["realised"][d["realised"] > 0]).std() <= 1.35
    assert 0.75 <= d["expected"].corr(d["realised"], method="spearman") <= 0.85
    assert d["realised"].clip(upper=d["realised"].quantile(0.999)).mean() == pytest.approx(
        d["expected"].mean(), rel=0.1
    )


# Credit


def test_a_third_applies_in_a_year_and_two_thirds_are_granted(bank: Bank, loans: pd.DataFrame):
    applied = one(
        bank,
        """
        select avg((customer_id in (select customer_id from loans where applied_at >= timestamp '2025-01-01'
                                    and applied_at < timestamp '2026-01-01'))::int)
        from truth_churn join closures using (customer_id)
        where as_of = timestamp '2025-01-01' and (closed_at is null or closed_at >= timestamp '2026-01-01')
    """,
    )
    assert 0.32 <= applied <= 0.38
    assert 0.62 <= (loans["decision"] == "granted").mean() <= 0.68


def test_default_rates_of_granted_and_declined(loans: pd.DataFrame):
    rate = loans.groupby("decision")["default_probability"].mean()
    assert 0.05 <= rate["granted"] <= 0.06
    assert 0.12 <= rate["declined"] <= 0.15


def test_credit_oracle_ranks_within_its_bands(loans: pd.DataFrame):
    odds = np.log(loans["default_probability"] / (1 - loans["default_probability"]))
    assert 1.2 <= odds.std() <= 1.4
    assert 0.78 <= roc_auc_score(loans["would_default"], loans["default_probability"]) <= 0.85
    granted = loans[loans["decision"] == "granted"]
    assert 0.74 <= roc_auc_score(granted["would_default"], granted["default_probability"]) <= 0.81


def test_seventy_to_eighty_percent_of_what_decides_default_is_recorded(loans: pd.DataFrame):
    odds = np.log(loans["default_probability"] / (1 - loans["default_probability"]))
    assert 0.70 <= np.corrcoef(loans["recorded"], odds)[0, 1] ** 2 <= 0.80


def test_realised_defaults_agree_with_the_truth(loans: pd.DataFrame):
    granted = loans[(loans["decision"] == "granted") & (loans["applied_at"] < "2025-06-01")]
    stayed = granted[
        granted["closed_at"].isna() | (granted["closed_at"] > granted["applied_at"] + pd.Timedelta(days=370))
    ]
    seen = (stayed["defaulted_at"] < stayed["applied_at"] + pd.Timedelta(days=370)).mean()
    economy = draw_economy(7, 36, pd.Timestamp("2026-07-01").date())
    month = stayed["applied_at"].dt.to_period("M").astype("int64") - pd.Period("2023-07", "M").ordinal
    expected = stressed(stayed["default_probability"].to_numpy(), economy.credit_factor[month])
    assert 0.8 <= seen / expected.mean() <= 1.2


def test_a_few_declines_are_granted_at_random_and_a_few_overridden(loans: pd.DataFrame):
    declined = (loans["decision"] == "declined") | loans["granted_at_random"] | loans["override_reason"].notna()
    granted = loans[loans["decision"] == "granted"]
    overridden = granted["override_reason"].notna()
    assert 0.02 <= loans["granted_at_random"].sum() / declined.sum() <= 0.04
    assert 0.03 <= overridden.mean() <= 0.05
    assert granted["default_probability"][overridden].mean() > 1.5 * granted["default_probability"].mean()


def test_thirty_percent_of_the_old_policys_knowledge_is_unrecorded(loans: pd.DataFrame):
    assert 0.25 <= np.corrcoef(loans["policy_only"], loans["policy_knowledge"])[0, 1] ** 2 <= 0.35
    assert np.corrcoef(loans["policy_knowledge"], loans["policy_score"])[0, 1] < -0.6


def test_cures_and_losses(loans: pd.DataFrame):
    hit = loans[loans["defaulted_at"].notna()]
    lost = hit["realised_loss"]
    assert 0.22 <= hit["cures"].mean() <= 0.38
    assert 0.35 <= lost.mean() <= 0.45
    middle = lost[lost > 0].between(0.42, 0.55).mean()
    assert middle < lost[lost > 0].between(0.15, 0.35).mean()
    assert middle < lost[lost > 0].between(0.62, 0.85).mean()


def test_recoveries_come_within_eighteen_months_of_a_default(bank: Bank):
    days = bank.execute("""select date_diff('day', defaulted_at, received_at) as d from recoveries
        join loans using (loan_id)""").df()["d"]  # fmt: skip
    assert days.between(0, 560).all()
    assert days.max() > 365


def test_loan_months_show_ninety_days_past_due_at_the_default(bank: Bank):
    assert one(bank, """select min(days_past_due) from loan_months join loans using (loan_id)
        where date_trunc('month', month_end) = date_trunc('month', defaulted_at)""") >= 90  # fmt: skip
    assert one(bank, """select max(days_past_due) from loan_months join loans using (loan_id)
        where defaulted_at is null and month_end < timestamp '2026-03-01'""") < 90  # fmt: skip


def test_age_shifts_default_and_gender_works_only_through_income(bank: Bank):
    d = bank.execute("""
        select ln(t.default_probability / (1 - t.default_probability)) as odds, age, s.income,
               (c.gender = 'female')::int as woman
        from truth_credit t join loans l using (loan_id) join customers c using (customer_id) left join (
            select customer_id, median(amount) as income from transactions where kind = 'salary' group by 1) s
        using (customer_id) where s.income is not null
    """).df()
    x = np.column_stack([d["age"] / 10, d["woman"], np.log(d["income"])])
    age, woman, income = LinearRegression().fit(x, d["odds"]).coef_
    assert age < -0.1
    assert income < -0.5
    assert abs(woman) < 0.09


# Campaigns


@pytest.fixture(scope="module")
def treated(bank: Bank) -> pd.DataFrame:
    return bank.execute("""
        select t.*, c.name, c.starts_at, u.response_control, u.response_offer, u.uplift, u.quadrant, u.closure_effect,
               split_part(c.name, ' ', 1) as design, c.channel, x.closed_at,
               (arm <> 'control')::int as offered, (responded_at is not null)::int as responds
        from treatments t join campaigns c using (campaign_id) join truth_treatments u using (campaign_id, customer_id)
        join closures x using (customer_id) order by campaign_id, customer_id
    """).df()


def test_fifteen_campaigns_of_their_designs(treated: pd.DataFrame):
    designs = treated.groupby("campaign_id")["design"].first().value_counts()
    assert designs.to_dict() == {"randomised": 12, "targeted": 1, "placebo": 1, "support": 1}
    sizes = treated[treated["design"] == "randomised"].groupby("campaign_id").size()
    assert sizes.between(3_800, 5_200).all()
    share = treated[treated["design"] == "randomised"].groupby("campaign_id")["offered"].mean()
    assert share.between(0.46, 0.54).all()


def test_response_and_effect_of_the_randomised_campaigns(treated: pd.DataFrame):
    d = treated[treated["design"] == "randomised"]
    rate = d.groupby("offered")["responds"].mean()
    assert 0.05 <= rate[0] <= 0.07
    assert 0.015 <= rate[1] - rate[0] <= 0.025
    assert 0.015 <= d["uplift"].mean() <= 0.025
    assert 0.1 <= d["response_control"].corr(d["uplift"]) <= 0.3


@pytest.mark.parametrize(
    ("quadrant", "share"), [("persuadable", 0.15), ("sure_thing", 0.12), ("lost_cause", 0.66), ("sleeping_dog", 0.07)]
)
def test_quadrants_have_their_shares(treated: pd.DataFrame, quadrant: str, share: float):
    d = treated[treated["design"] == "randomised"]
    assert (d["quadrant"] == quadrant).mean() == pytest.approx(share, abs=0.02)


def test_sleeping_dogs_answer_less_and_leave_more(treated: pd.DataFrame):
    d = treated[(treated["design"] == "randomised") & (treated["quadrant"] == "sleeping_dog")]
    assert -0.05 <= d["uplift"].mean() <= -0.03
    leaves = d["closed_at"] < d["assigned_at"] + pd.Timedelta(days=62)
    by_arm = leaves.groupby(d["offered"]).mean()
    assert by_arm[1] > by_arm[0] + 0.01
    assert d["closure_effect"].min() > 0
    others = treated[treated["quadrant"] == "lost_cause"]
    assert (others["closure_effect"] == 0).all()


def test_the_placebo_does_nothing_and_the_targeted_campaign_is_not_random(treated: pd.DataFrame):
    d = treated[treated["design"] == "placebo"]
    assert (d["uplift"] == 0).all()
    rate = d.groupby("offered")["responds"].mean()
    assert abs(rate[1] - rate[0]) < 0.025
    d = treated[treated["design"] == "targeted"]
    assert d["propensity"].std() > 0.05
    chance = np.where(d["offered"] == 1, d["propensity"], 1 - d["propensity"])
    assert chance.mean() == pytest.approx(d["offered"].mean(), abs=0.03)


def test_calls_reach_fifty_five_percent(treated: pd.DataFrame):
    d = treated[(treated["channel"] == "call") & (treated["offered"] == 1)]
    assert d["reached_at"].notna().mean() == pytest.approx(0.55, abs=0.03)


def test_effects_fade_with_repetition(treated: pd.DataFrame):
    d = treated[(treated["design"] == "randomised") & (treated["quadrant"] == "persuadable")]
    first, last = d["campaign_id"].isin(["P001", "P002"]), d["campaign_id"].isin(["P014", "P015"])
    assert d["uplift"][last].mean() < 0.9 * d["uplift"][first].mean()


# Support


def test_contacts_a_year_and_their_spread(bank: Bank):
    d = bank.execute("""
        select count(k.contact_id) as n from truth_churn t join closures c using (customer_id)
        left join contacts k on k.customer_id = t.customer_id
            and k.started_at >= timestamp '2025-01-01' and k.started_at < timestamp '2026-01-01'
        where t.as_of = timestamp '2025-01-01' and (c.closed_at is null or c.closed_at > timestamp '2026-01-01')
        group by t.customer_id
    """).df()["n"]
    assert 1.2 <= d.mean() <= 1.6
    assert 0.30 <= (d == 0).mean() <= 0.40
    assert d.var() > 1.3 * d.mean()


def test_unresolved_contacts_and_their_repeats(bank: Bank):
    assert 0.16 <= one(bank, "select avg((not resolved)::int) from contacts") <= 0.20
    again = bank.execute("""
        with k as (select *, lead(started_at) over (partition by customer_id order by started_at) as following
                   from contacts where resolved is not null)
        select resolved, avg((following < started_at + interval 7 day)::int) filter (following is not null) * 1.0
               * count(following) / count(*) as share from k group by 1
    """).df().set_index("resolved")["share"]  # fmt: skip
    assert again[False] > 0.35
    assert again[True] < 0.12


def test_durations_abandonment_and_hours(bank: Bank):
    median, sd = bank.execute("select median(duration_seconds), stddev(ln(duration_seconds)) from contacts").fetchone()
    assert 155 <= median <= 185
    assert 0.85 <= sd <= 0.95
    given_up = one(bank, "select avg((resolved is null)::int) from contacts where channel = 'phone'")
    assert 0.10 <= given_up <= 0.15
    hours = (
        bank.execute("select hour(started_at) as h, count(*) as n from contacts group by 1").df().set_index("h")["n"]
    )
    assert hours[10] > 3 * hours[19]
    days = (
        bank.execute("select isodow(started_at) as d, count(*) as n from contacts group by 1").df().set_index("d")["n"]
    )
    assert days[1] > 1.8 * days[6] > 1.8 * days[7]


def test_expected_contacts_agree_with_those_that_came(bank: Bank):
    expected, seen = bank.execute("""
        select sum(contacts_90), (select count(*) from contacts where started_at >= timestamp '2025-03-01'
                                  and started_at < timestamp '2025-05-30')
        from truth_support where as_of = timestamp '2025-03-01'
    """).fetchone()
    assert seen / expected == pytest.approx(1, abs=0.1)


# Groups, surveys, dates


@pytest.mark.parametrize(
    ("group", "count", "features"),
    [("behaviour_group", 4, ["frequency", "digital", "ticket", "variety"]),
     ("needs_group", 5, ["security", "return", "borrowing", "convenience"])],
)  # fmt: skip
def test_groups_overlap_but_can_be_found(bank: Bank, group: str, count: int, features: list[str]):
    d = bank.execute("select * from truth_groups order by customer_id limit 6000").df()
    found = KMeans(count, n_init=5, random_state=0).fit_predict(d[features])
    assert 0.6 <= adjusted_rand_score(d[group], found) <= 0.8
    noise = KMeans(count, n_init=2, random_state=0).fit_predict(d[["noise_1", "noise_2", "noise_3"]])
    assert abs(adjusted_rand_score(d[group], noise)) < 0.02


@pytest.mark.parametrize(
    ("shown", "group", "other"),
    [("category", "needs_group", "behaviour_group"), ("hour(booked_at)", "behaviour_group", "needs_group")],
)
def test_groups_show_in_what_customers_do_each_in_its_own_way(bank: Bank, shown: str, group: str, other: str):
    d = bank.execute(f"""
        select customer_id, {group}, {other}, {shown} as shown, count(*) as uses
        from transactions join truth_groups using (customer_id) where kind = 'purchase' group by all
    """).df()  # fmt: skip
    counts = d.pivot(index=["customer_id", group, other], columns="shown", values="uses").fillna(0)
    counts = counts[counts.sum(axis=1).between(80, 120)]

    def told(name: str) -> float:
        """Share of customers whose group is the likeliest by the profiles of half of the customers."""
        groups, x = counts.index.get_level_values(name).to_numpy(), counts.to_numpy()
        half = np.arange(len(x)) % 2 == 0
        profiles = np.array([x[half & (groups == g)].sum(axis=0) + 1 for g in np.unique(groups)])
        likelihood = x[~half] @ np.log(profiles / profiles.sum(axis=1, keepdims=True)).T
        return float((likelihood.argmax(axis=1) == groups[~half]).mean())

    assert 0.85 <= told(group) <= 0.99
    assert told(other) < 0.35


def test_a_quarter_answers_and_the_dissatisfied_half_as_often(bank: Bank):
    answers = one(bank, "select count(*) from surveys where answered_at >= timestamp '2025-01-01' "
                        "and answered_at < timestamp '2026-01-01'")  # fmt: skip
    present = one(bank, "select count(*) from truth_churn where as_of = timestamp '2025-07-01'")
    assert 0.22 <= answers / present <= 0.28
    rate = bank.execute("""
        select dissatisfaction > 0.8 as unhappy, count(survey_id) / count(distinct customer_id) as rate
        from truth_groups left join surveys using (customer_id) where abs(dissatisfaction) > 0.8 group by 1
    """).df().set_index("unhappy")["rate"]  # fmt: skip
    assert 0.42 <= rate[True] / rate[False] <= 0.62


def test_records_are_late_as_designed(bank: Bank):
    day, month = bank.execute("""
        select avg((known_at < booked_at + interval 1 day)::int), avg((known_at >= booked_at + interval 30 day)::int)
        from transactions where booked_at < timestamp '2026-05-01'
    """).fetchone()
    assert day == pytest.approx(0.95, abs=0.002)
    assert month == pytest.approx(0.01, abs=0.002)
    assert one(bank, "select max(known_at) from transactions") < pd.Timestamp("2026-07-01")


# Dirt


def test_seven_rows_in_a_thousand_are_dirty_and_listed(dirty_bank: Bank):
    rows, bad = dirty_bank.execute("""
        select (select count(*) from transactions), (select count(*) from truth_dirt where "table" = 'transactions')
    """).fetchone()
    assert bad / rows == pytest.approx(0.007, abs=0.0005)
    total = sum(one(dirty_bank, f"select count(*) from {t}") for (t,) in dirty_bank.execute(
        "select distinct \"table\" from truth_dirt").fetchall())  # fmt: skip
    assert one(dirty_bank, "select count(*) from truth_dirt") / total == pytest.approx(0.007, abs=0.001)


def test_without_the_listed_rows_the_bank_is_clean(dirty_bank: Bank):
    clean = "from transactions where transaction_id not like 'TX%'"
    assert one(dirty_bank, f"select count(*) - count(distinct transaction_id) {clean}") == one(
        dirty_bank, "select count(*) from truth_dirt where \"table\" = 'transactions' and rule = 'duplicate_key'"
    )
    assert one(dirty_bank, f"select count(*) {clean} and not isfinite(amount)") == 0
    assert one(dirty_bank, f"select count(*) {clean} and abs(amount) > 1e7") == 0
    assert one(dirty_bank, f"select count(*) {clean} and customer_id not in (select customer_id from customers)") == 0
    assert one(dirty_bank, f"select count(*) {clean} and booked_at >= timestamp '2026-07-01'") == 0
