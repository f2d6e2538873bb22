"""Maximum likelihood of a few positive parameters: what a fit returns, and the search on their logarithms."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from ..errors import DataError

Array = NDArray[np.float64]
LogLikelihood = Callable[[Array], tuple[float, Array]]
Model = TypeVar("Model")

_LEAST, _MOST = 1e-5, 1e6
_FLAT = 1e-7  # gradient by log-parameter, in log-likelihood per customer
_ROUNDING = 1e-13  # of a sum over customers, relative: less is no ascent
_STEP = 1e-4  # of differences of the exact gradient: errors of the order 1e-8


@dataclass(frozen=True)
class Fit(Generic[Model]):
    """A fitted model.

    Attributes
    ----------
    model : the model at the maximum, with the forecasts as its methods
    params, standard_errors : by parameter, in natural units; the errors are those of the observed information, by the
        delta method from the logarithms, and missing (NaN) where there is none
    log_likelihood : of all customers, in nats
    converged : whether the maximum is one: inside the bounds, flat, and curved in every direction
    n : customers it was learned from
    problem : what is wrong where it has not converged, else empty
    """

    model: Model
    params: dict[str, float]
    standard_errors: dict[str, float]
    log_likelihood: float
    converged: bool
    n: int
    problem: str = ""

    def checked(self) -> "Fit[Model]":
        """Return itself, or refuse.

        Raises
        ------
        DataError
            If the fit has not converged.

        Examples
        --------
        >>> Fit(None, {"r": 1.0}, {"r": 0.1}, -3.0, True, 2).checked().n
        2
        >>> Fit(None, {"r": 1e6}, {"r": np.nan}, -3.0, False, 2, "r ran to its bound").checked()
        Traceback (most recent call last):
        ...
        afraz.errors.DataError: the fit to 2 customers has not converged: r ran to its bound
        """
        if not self.converged:
            raise DataError(f"the fit to {self.n:,} customers has not converged: {self.problem}")
        return self


def maximise(
    log_likelihood: LogLikelihood, start: Mapping[str, float], build: Callable[..., Model], n: int
) -> Fit[Model]:
    """Search the maximum on the logarithms: L-BFGS-B comes near it, Newton's steps end it.

    Parameters
    ----------
    log_likelihood : parameters, in the order of ``start`` → value and gradient by natural parameter
    start : positive starting values
    build : makes the model from the parameters by name
    n : customers

    Examples
    --------
    >>> def exponential(rate):  # five durations of 10 in all: the maximum is 5/10, its error √5/10
    ...     return 5 * np.log(rate[0]) - 10 * rate[0], np.array([5 / rate[0] - 10])
    >>> found = maximise(exponential, {"rate": 1.0}, dict, 5)
    >>> round(found.params["rate"], 6), round(found.standard_errors["rate"], 6), found.converged
    (0.5, 0.223607, True)
    >>> maximise(lambda rate: (-1 / rate[0], 1 / rate**2), {"rate": 1.0}, dict, 5).problem
    'rate ran to 1e+06, its bound: the data do not identify it'
    """

    def loss(logs: Array) -> tuple[float, Array]:
        theta = np.exp(logs)
        value, gradient = log_likelihood(theta)
        return -value / n, -gradient * theta / n

    names = list(start)
    low, high = np.log(_LEAST), np.log(_MOST)
    begin = np.log([start[name] for name in names])
    options = {"maxiter": 500, "ftol": 1e-13, "gtol": 1e-5}
    logs = minimize(loss, begin, jac=True, method="L-BFGS-B", bounds=[(low, high)] * len(names), options=options).x
    for _ in range(30):
        value, gradient = loss(logs)
        curvature = _curvature(loss, logs)
        if np.abs(gradient).max() < _FLAT * 1e-3 or np.linalg.eigvalsh(curvature)[0] <= 0:
            break
        step = -np.linalg.solve(curvature, gradient)
        step /= max(1.0, float(np.abs(step).max()))
        moved = np.clip(logs + step, low, high)
        if loss(moved)[0] > value + _ROUNDING * abs(value):
            break
        logs = moved
    value, gradient = loss(logs)
    theta = np.exp(logs)
    problem = _problem(names, logs, gradient, curvature, (low, high))
    errors = np.full(len(names), np.nan) if problem else theta * np.sqrt(np.diag(np.linalg.inv(curvature)) / n)
    params = dict(zip(names, theta.tolist(), strict=True))
    return Fit(
        build(**params), params, dict(zip(names, errors.tolist(), strict=True)), -value * n, not problem, n, problem
    )


def _curvature(loss: LogLikelihood, logs: Array) -> Array:
    shifts = _STEP * np.eye(len(logs))
    rows = np.array([loss(logs + shift)[1] - loss(logs - shift)[1] for shift in shifts]) / (2 * _STEP)
    return (rows + rows.T) / 2


def _problem(names: list[str], logs: Array, gradient: Array, curvature: Array, bounds: tuple[float, float]) -> str:
    for name, log in zip(names, logs, strict=True):
        if not bounds[0] + 1e-6 < log < bounds[1] - 1e-6:
            return f"{name} ran to {np.exp(log):.0e}, its bound: the data do not identify it"
    spelled = ", ".join(f"{name} {np.exp(log):.3g}" for name, log in zip(names, logs, strict=True))
    if not np.abs(gradient).max() < _FLAT:
        return f"the gradient is still {np.abs(gradient).max():.0e} per customer at {spelled}"
    if np.linalg.eigvalsh(curvature)[0] < 1e-9:
        return f"the likelihood is flat around {spelled}: the data do not identify them"
    return ""
