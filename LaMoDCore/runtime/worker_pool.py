"""A few processes that each take one task after another; one that dies takes only its own task with it."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any, Generic, TypeVar

Task = TypeVar("Task")
Answer = TypeVar("Answer")
#: Makes, in the worker itself, the function that answers a task.
SetUp = Callable[[], Callable[[Task], Answer]]

_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
_PATIENCE_S = 10.0


@dataclass(frozen=True)
class Died:
    """In the place of an answer: the process was ended from outside, as for want of memory.

    Attributes:
        exit_code: its own, or minus the signal that ended it.
    """

    exit_code: int | None


@dataclass
class _Worker(Generic[Task]):
    process: BaseProcess
    connection: Connection
    task: Task


def answers(tasks: Sequence[Task], set_up: SetUp[Task, Answer], workers: int) -> Iterator[tuple[Task, Answer | Died]]:
    """The answers to tasks, in the order in which they come.

    Args:
        tasks: what to do; picklable.
        set_up: picklable; called once in each process.
        workers: processes, each on one thread. With 1, this process does it all, on as many threads as it has.
    """
    if workers > 1:
        yield from _over_processes(tasks, set_up, workers)
        return
    work = set_up()
    for task in tasks:
        yield task, work(task)


def _over_processes(
    tasks: Sequence[Task], set_up: SetUp[Task, Answer], workers: int
) -> Iterator[tuple[Task, Answer | Died]]:
    waiting = list(reversed(tasks))
    running: dict[Any, _Worker[Task]] = {}
    try:
        while waiting and len(running) < workers:
            _start(running, set_up, waiting.pop())
        while running:
            for ready in wait(list(running)):
                worker = running[ready]
                task, answer = worker.task, _received(worker)
                if waiting and not isinstance(answer, Died):
                    worker.task = waiting.pop()
                    _send(worker.connection, worker.task)
                else:
                    del running[ready]
                    _send(worker.connection, None)
                    worker.process.join(_PATIENCE_S)
                    if waiting:
                        _start(running, set_up, waiting.pop())
                yield task, answer
    finally:
        for worker in running.values():
            worker.process.terminate()
        for worker in running.values():
            worker.process.join(_PATIENCE_S)
            if worker.process.is_alive():
                worker.process.kill()


def _start(running: dict[Any, _Worker[Task]], set_up: SetUp[Task, Any], task: Task) -> None:
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(theirs, set_up), daemon=True)
    with _single_threaded():
        process.start()
    theirs.close()
    running[ours] = _Worker(process, ours, task)
    _send(ours, task)


def _send(connection: Connection, message: Any) -> None:
    with suppress(ConnectionError):  # a process that has died says so when its answer is read
        connection.send(message)


def _received(worker: _Worker[Any]) -> Any:
    try:
        return worker.connection.recv()
    except (EOFError, ConnectionError):
        worker.process.join(_PATIENCE_S)
        return Died(worker.process.exitcode)


def _serve(connection: Connection, set_up: SetUp[Any, Any]) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that half-written folders are removed
    work = set_up()
    if "torch" in sys.modules:  # which reads the variables of _single_threaded only where it is built with OpenMP
        sys.modules["torch"].set_num_threads(1)
    while (task := connection.recv()) is not None:
        connection.send(work(task))


@contextmanager
def _single_threaded() -> Iterator[None]:
    """Processes started in this block do their linear algebra on one thread each."""
    before = {name: os.environ.get(name) for name in _THREADS}
    os.environ.update(dict.fromkeys(_THREADS, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
