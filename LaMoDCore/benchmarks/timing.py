"""Timing that is robust to other load on the machine."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Duration:
    """In seconds: wall-clock time, and processor time over all threads."""

    wall: float
    cpu: float

    def __str__(self) -> str:
        return f"{self.wall:8.3f} s ({self.cpu:.3f} s CPU)"


def best_of(work: Callable[[], object], repeats: int, finish: Callable[[], object] = lambda: None) -> Duration:
    """Run ``work`` once to warm up, then ``repeats`` times; ``finish`` waits for a device's queue."""
    return best_of_each([work], repeats, finish)[0]


def best_of_each(
    works: Sequence[Callable[[], object]], repeats: int, finish: Callable[[], object] = lambda: None
) -> list[Duration]:
    """As `best_of` for several functions in turn, so that other load affects all of them."""
    walls: list[list[float]] = [[] for _ in works]
    cpus: list[list[float]] = [[] for _ in works]
    for work in works:
        work()
    for _ in range(repeats):
        for index, work in enumerate(works):
            finish()
            cpu, wall = time.process_time(), time.perf_counter()
            work()
            finish()
            walls[index].append(time.perf_counter() - wall)
            cpus[index].append(time.process_time() - cpu)
    return [Duration(min(wall), min(cpu)) for wall, cpu in zip(walls, cpus, strict=True)]


def peak_memory_mib() -> float | None:
    """Peak resident size of this process; None on Windows, where Python's library does not report it."""
    if sys.platform == "win32":
        return None
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 2**10)


def load_line() -> str:
    """Number of cores and load of the machine."""
    load = f"load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "load unknown"
    return f"{os.cpu_count()} cores, {load}"
