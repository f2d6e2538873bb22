"""Integrated risk: each unit measures its own, one schema; copulas, capital and stress put them together."""
