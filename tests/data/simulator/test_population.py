"""Tests of the customers' traits."""

from datetime import date

import numpy as np

from afraz.data.simulator.economy import draw_economy, stream
from afraz.data.simulator.population import BEHAVIOUR_CENTRES, LEAVE, People, draw_people, pick, scaled

ECONOMY = draw_economy(7, 12, date(2026, 7, 1))


def test_a_category_is_drawn_by_its_share():
    drawn = pick(stream(1, 0, "x"), np.array([[0.2, 0.7, 1.0]]), np.zeros(20_000, np.int64))
    assert np.allclose(np.bincount(drawn) / 20_000, [0.2, 0.5, 0.3], atol=0.015)


def test_latent_features_have_unit_variance():
    people = draw_people(stream(1, 0, "p"), 20_000, ECONOMY, 0)
    latent = scaled(people.behaviour, BEHAVIOUR_CENTRES)
    assert np.allclose(latent.mean(0), 0, atol=0.03)
    assert np.allclose(latent.std(0), 1, atol=0.03)


def test_each_trait_moves_the_log_odds_of_leaving_by_its_weight():
    people = draw_people(stream(1, 0, "p"), 20_000, ECONOMY, 0)
    columns = [scaled(people.behaviour, BEHAVIOUR_CENTRES)[:, 0], people.competitor, people.fees,
               people.products.sum(1), people.salaried, people.age]  # fmt: skip
    slopes = np.linalg.lstsq(np.column_stack([*columns, np.ones(len(people))]), people.log_odds, rcond=None)[0]
    wanted = [LEAVE["frequency"], LEAVE["competitor"], LEAVE["fees"], LEAVE["products"], LEAVE["salary"],
              LEAVE["age"] / 15]  # fmt: skip
    assert np.allclose(slopes[:-1], wanted, atol=0.05)


def test_gender_moves_income_and_nothing_of_leaving():
    people = draw_people(stream(1, 0, "p"), 40_000, ECONOMY, 0)
    woman = people.gender == 1
    assert np.log(people.income[~woman]).mean() - np.log(people.income[woman]).mean() > 0.08
    assert abs(people.log_odds[~woman].mean() - people.log_odds[woman].mean()) < 0.04


def test_customers_can_be_taken_put_and_joined():
    first, second = (draw_people(stream(s, 0, "p"), 4, ECONOMY, 0) for s in (1, 2))
    whole = People.concat([first, second])
    assert len(whole) == 8
    assert (whole.take(np.array([5])).income == second.income[1]).all()
    first.put(np.array([0]), second.take(np.array([3])))
    assert first.income[0] == second.income[3]
    assert first.income[1] == whole.income[1]
