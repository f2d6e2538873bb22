"""Afraz: notebook-driven experimentation for customer analytics."""

__version__ = "0.1.0"
