"""How often does a campaign without effect look significant if one looks 200 times, and what does it take to find two
points? (wanted: at most 5 %, within what 1,000 draws can show; power of 80 % at the stated number of customers)."""

import argparse
import json
from time import perf_counter

from scipy.stats import binom

from afraz.decisioning.feedback.sequential import SequentialTest
from afraz.decisioning.feedback.trials import Trial, ever_significant, ever_significant_ordinary

TESTS = {"any number of looks": 0.0, "and a planned last look": 0.8}
CUSTOMERS = {0.0: (4500, 9000), 0.8: (4500, 6000)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--small", action="store_true", help="100 campaigns: shows that it runs, not how often")
    campaigns = 100 if parser.parse_args().small else 1000
    bound = binom.ppf(0.999, campaigns, 0.05) / campaigns
    started, found = perf_counter(), {}
    print(f"A/A: {campaigns:,} campaigns of 4,500 customers at 200 looks, level 5 %: at most {bound:.1%}")
    for words, share in TESTS.items():
        for arrival in ("at_once", "over_time"):
            for propensity in ("even", "varied"):
                for money in (False, True):
                    trial = Trial(arrival=arrival, propensity=propensity, money=money)
                    called, _ = ever_significant(trial, SequentialTest(planned=270, final_share=share), campaigns)
                    name = f"{words}; {arrival}, {propensity} lot, {'money' if money else 'response'}"
                    found[name] = called
                    print(f"  {name:75}{called:>8.1%}")
    found["ordinary"] = ever_significant_ordinary(Trial(), campaigns)
    print(f"  {'an ordinary test, repeated':75}{found['ordinary']:>8.1%}")
    print("6 % to 8 %: share found, by customers (half of them treated)")
    for words, share in TESTS.items():
        for customers in CUSTOMERS[share]:
            test = SequentialTest(planned=0.07 * customers, final_share=share)
            power, half_way = ever_significant(Trial(customers=customers, effect=0.02), test, campaigns)
            found[f"power; {words}; {customers}"] = power
            print(f"  {f'{words}; {customers:,}':75}{power:>8.1%}   (by half-way {half_way:.1%})")
    print(json.dumps({"seconds": round(perf_counter() - started, 1), "bound": bound, **found}))


if __name__ == "__main__":
    main()
