"""Run independent parts of a computation on several processor cores of one process."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TypeVar

from LaMoDCore.runtime.signals import uninterrupted

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")
#: More threads hardly help, as Python itself runs in one at a time, and each needs memory for its part.
MOST_THREADS = 4
#: Threads of the matrix products of NumPy and SciPy: OpenBLAS, Apple's Accelerate.
_BLAS_THREADS = ("OPENBLAS_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")


def limit_blas_threads() -> None:
    """Use one thread per matrix product of NumPy, unless the user has chosen another number.

    LaMoD's matrices are small and its slices and cases are computed in parallel: further threads of the products wait
    for each other in busy loops and double the processor time. The libraries read the number when they are loaded, so
    this must be called before NumPy is imported; later it does nothing.
    """
    if "numpy" not in sys.modules:
        for name in _BLAS_THREADS:
            os.environ.setdefault(name, "1")


def thread_count(items: int) -> int:
    """Number of threads for `items` parts: at most as many as PyTorch may use, and `MOST_THREADS`."""
    import torch

    return max(1, min(items, torch.get_num_threads(), MOST_THREADS))


def has_second_core() -> bool:
    """Whether a second process may run next to this one: there are two cores, and the user did not ask for one."""
    limit = os.environ.get("OMP_NUM_THREADS", "")
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return cores > 1 and limit != "1"


def in_order(function: Callable[[_Item], _Result], items: Sequence[_Item], threads: int) -> Iterator[_Result]:
    """Yield ``function(item)`` of each item in the order of the items; `threads` of them are computed at a time.

    An exception of one item is raised in its place; items that have not begun by then are not computed.
    """
    if threads == 1:
        yield from map(function, items)
        return
    pool = ThreadPoolExecutor(threads)
    try:
        yield from pool.map(function, items)
    finally:
        pool.shutdown(cancel_futures=True)


@contextmanager
def one_thread_per_operation() -> Iterator[None]:
    """Use one thread per operation of PyTorch and per matrix product of NumPy.

    Results then do not depend on the number of cores, and parts that are computed in parallel do not compete.
    """
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with _blas_limit():
            yield
    finally:
        torch.set_num_threads(before)


def _blas_limit() -> AbstractContextManager[object]:
    """One thread per matrix product of NumPy, also where it was imported before `limit_blas_threads`."""
    try:
        from threadpoolctl import threadpool_limits
    except ImportError:  # as in an older installation in Slicer, whose predictions call `limit_blas_threads`
        return nullcontext()
    with uninterrupted():  # it calls back from C, where an exception of a signal handler would be printed and lost
        limit: AbstractContextManager[object] = threadpool_limits(1, user_api="blas")
    return limit
