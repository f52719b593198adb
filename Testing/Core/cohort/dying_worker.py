"""Work for processes of their own, which import this file alone: one task is the end of its process."""

from __future__ import annotations

import os
from collections.abc import Callable


def doubling() -> Callable[[int], int]:
    return _doubled


def _doubled(number: int) -> int:
    if number == 3:
        os._exit(9)  # as the kernel ends a process that takes too much memory
    return 2 * number
