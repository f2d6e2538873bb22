"""The support period: who contacts the bank and how often, how many agents that takes, what it costs, how it goes."""
