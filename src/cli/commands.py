"""The application with all its commands."""

from . import customers, reviewing, risk, servers, stages
from .terminal import app

__all__ = ["app", "customers", "reviewing", "risk", "servers", "stages"]
