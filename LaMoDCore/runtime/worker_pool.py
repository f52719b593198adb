"""The library's only process pool: a few processes that each do one task after another.

Processes are started with the spawn method on every platform, so that they behave the same everywhere and are safe
next to threads and CUDA. A process that is killed loses only its own task. When the parent ends, even by SIGKILL, its
processes end, too.
"""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any, Generic, TypeVar

Task = TypeVar("Task")
Answer = TypeVar("Answer")
#: Called once in each process; returns the function that does a task.
SetUp = Callable[[], Callable[[Task], Answer]]

_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
_PATIENCE_S = 10.0
#: Time for the clean-up of a process whose parent has ended.
_GRACE_S = 5.0


@dataclass(frozen=True)
class WorkerDied:
    """Returned instead of an answer if the process was killed, for example because memory ran out.

    Attributes:
        exit_code: exit code of the process, or minus the number of the signal that killed it.
    """

    exit_code: int | None


@dataclass(frozen=True)
class _Raised:
    """Returned instead of an answer if the task raised an exception."""

    error: Exception


@dataclass
class _Worker(Generic[Task]):
    process: BaseProcess
    connection: Connection
    task: Task


def answers(
    tasks: Sequence[Task], set_up: SetUp[Task, Answer], workers: int, *, in_process: bool = True
) -> Generator[tuple[Task, Answer | WorkerDied], None, None]:
    """Yield each task with its answer, in the order in which the tasks finish.

    Use it in ``contextlib.closing``, so that an exception of the caller stops the processes at once.

    Args:
        tasks: picklable.
        set_up: picklable; called once in each process, returns the function that does a task.
        workers: number of processes, each of which computes on one thread.
        in_process: with one worker, do the tasks in this process on all of its threads. If False, one process is
            started, so that rounding does not depend on the number of workers.

    Raises:
        Exception: what `set_up` or a task raised; the other processes are stopped.
    """
    if workers > 1 or not in_process:
        yield from _over_processes(tasks, set_up, max(workers, 1))
        return
    work = set_up()
    for task in tasks:
        yield task, work(task)


def _over_processes(
    tasks: Sequence[Task], set_up: SetUp[Task, Answer], workers: int
) -> Iterator[tuple[Task, Answer | WorkerDied]]:
    waiting = list(reversed(tasks))
    running: dict[Any, _Worker[Task]] = {}
    try:
        while waiting and len(running) < workers:
            _start(running, set_up, waiting.pop())
        while running:
            for ready in wait(list(running)):
                worker = running[ready]
                task, answer = worker.task, _received(worker)
                if isinstance(answer, _Raised):
                    raise answer.error
                if waiting and not isinstance(answer, WorkerDied):
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
    with suppress(ConnectionError):  # the other process has ended, which the next reading from it will find
        connection.send(message)


def _received(worker: _Worker[Any]) -> Any:
    try:
        return worker.connection.recv()
    except (EOFError, ConnectionError):
        worker.process.join(_PATIENCE_S)
        return WorkerDied(worker.process.exitcode)


def _serve(connection: Connection, set_up: SetUp[Any, Any]) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent handles Ctrl-C
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that incomplete folders are removed
    threading.Thread(target=_end_with_parent, daemon=True).start()
    try:
        work = set_up()
        if "torch" in sys.modules:  # torch reads the variables of _single_threaded only if it is built with OpenMP
            sys.modules["torch"].set_num_threads(1)
        while (task := _next_task(connection)) is not None:
            _send(connection, work(task))
    except Exception as error:
        _send(connection, _Raised(_picklable(error)))
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # an exception in Python's own clean-up would be printed


def _next_task(connection: Connection) -> Any:
    """The next task; None after the last one, or if the parent has ended."""
    try:
        return connection.recv()
    except (EOFError, ConnectionError):
        return None


def _end_with_parent() -> None:
    """End this process when its parent has ended; first as by SIGTERM, so that incomplete folders are removed."""
    parent = multiprocessing.parent_process()
    if parent is None:
        return
    parent.join()  # the handle of the parent becomes ready when it ends, on every system
    main = threading.main_thread().ident
    if hasattr(signal, "pthread_kill") and main is not None:
        signal.pthread_kill(main, signal.SIGTERM)  # also wakes it from a system call
    else:
        signal.raise_signal(signal.SIGTERM)
    time.sleep(_GRACE_S)
    os._exit(1)


def _picklable(error: Exception) -> Exception:
    """The exception, or where it cannot be sent to another process, its traceback as text."""
    try:
        pickle.loads(pickle.dumps(error))
        return error
    except Exception:
        return RuntimeError("".join(traceback.format_exception(error)))


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
