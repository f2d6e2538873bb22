"""The demo bank: a simulated bank whose mechanisms are known, so that models can be held against the truth."""
