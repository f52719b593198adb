"""L-BFGS with a backtracking line search, for energies that are infinite beyond too large steps.

Nocedal and Wright, "Numerical Optimization", 2006, algorithms 7.4 and 3.1. `torch.optim.LBFGS` interpolates between
trial energies and cannot recover from an infinite one.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable

import torch
from torch import Tensor

#: Number of stored pairs of steps and gradient changes.
MEMORY = 10
#: Part of the predicted decrease that a step must achieve (Armijo condition).
SUFFICIENT_DECREASE = 1e-4
MAX_HALVINGS = 12
#: The optimisation ends when an iteration decreases the energy by less than this part.
TOLERANCE = 3e-4


def minimise(energy: Callable[[Tensor], Tensor], start: Tensor, iterations: int) -> Tensor:
    """Find the point with the smallest energy.

    Args:
        energy: differentiable function of a tensor like ``start``; infinite or NaN where points are not allowed.
        start: starting point.
        iterations: maximum number of iterations.

    Raises:
        ValueError: the energy is not finite at the starting point.
    """
    point = start.detach()
    value, graph, variable = _evaluate(energy, point)
    if not math.isfinite(value):
        raise ValueError("the energy at the starting point is not finite")
    slope = torch.autograd.grad(graph, variable)[0]
    pairs: deque[tuple[Tensor, Tensor]] = deque(maxlen=MEMORY)
    for _ in range(iterations):
        direction = -_inverse_hessian(slope, pairs)
        promised = float((slope * direction).sum())
        if not promised < 0:
            break
        # Without stored pairs the gradient has no natural scale: start with a step of length one.
        length = 1.0 if pairs else min(1.0, 1.0 / float(slope.norm()))
        trial = _backtrack(energy, point, value, direction, promised, length)
        if trial is None:
            if not pairs:
                break
            pairs.clear()
            continue
        moved, new_value, new_slope = trial
        change, turn = moved - point, new_slope - slope
        if float((change * turn).sum()) > 1e-10 * float(turn.square().sum()):
            pairs.append((change, turn))
        gain = value - new_value
        point, value, slope = moved, new_value, new_slope
        if gain < TOLERANCE * abs(value):
            break
    return point


def _evaluate(energy: Callable[[Tensor], Tensor], point: Tensor) -> tuple[float, Tensor, Tensor]:
    """The energy as a number and as a tensor with its graph, and the variable to differentiate by."""
    variable = point.detach().requires_grad_()
    value = energy(variable)
    return float(value.detach()), value, variable


def _backtrack(
    energy: Callable[[Tensor], Tensor],
    point: Tensor,
    value: float,
    direction: Tensor,
    promised: float,
    length: float,
) -> tuple[Tensor, float, Tensor] | None:
    """Halve the step until the decrease is sufficient; returns the point, its energy and gradient, or None."""
    for _ in range(MAX_HALVINGS):
        moved = point + length * direction
        number, graph, variable = _evaluate(energy, moved)
        if number <= value + SUFFICIENT_DECREASE * length * promised:
            return moved, number, torch.autograd.grad(graph, variable)[0]
        length /= 2
    return None


def _inverse_hessian(slope: Tensor, pairs: deque[tuple[Tensor, Tensor]]) -> Tensor:
    """The two-loop recursion."""
    result = slope.clone()
    factors = []
    for change, turn in reversed(pairs):
        inverse = 1 / (change * turn).sum()
        factor = inverse * (change * result).sum()
        result = result - factor * turn
        factors.append((inverse, factor))
    if pairs:
        change, turn = pairs[-1]
        result = result * ((change * turn).sum() / turn.square().sum())
    for (change, turn), (inverse, factor) in zip(pairs, reversed(factors), strict=True):
        result = result + (factor - inverse * (turn * result).sum()) * change
    return result
