"""The process pool: all answers, exceptions of tasks, processes that are killed."""

from __future__ import annotations

import multiprocessing
import os

import pytest
from pool_work import doubling, not_importable, raising_unpicklable, refusing, terminated_at_the_end, threads

from LaMoDCore.runtime.errors import LaMoDInputError
from LaMoDCore.runtime.worker_pool import WorkerDied, answers


@pytest.fixture(autouse=True)
def no_process_remains():
    yield
    assert not multiprocessing.active_children()


def test_a_killed_process_loses_only_its_own_task():
    found = dict(answers(range(6), doubling, 2))
    assert found.pop(3) == WorkerDied(9)
    assert found == {n: 2 * n for n in (0, 1, 2, 4, 5)}


def test_a_process_that_is_terminated_at_its_end_prints_nothing(capfd):
    assert dict(answers([0, 1], terminated_at_the_end, 2)) == {0: 0, 1: 2}
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("workers", [1, 2])
def test_the_exception_of_a_task_is_raised(workers):
    with pytest.raises(LaMoDInputError, match="case 3: it is damaged"):
        list(answers(range(6), refusing, workers))


@pytest.mark.parametrize("workers", [1, 2])
def test_the_exception_of_the_set_up_is_raised(workers):
    with pytest.raises(ValueError, match="no set-up"):
        list(answers(range(6), not_importable, workers))


def test_an_exception_that_cannot_be_pickled_is_raised_as_text():
    with pytest.raises(RuntimeError, match="LocalError: task 0"):
        list(answers([0], raising_unpicklable, 2))


def test_processes_compute_on_one_thread():
    for workers in (1, 2):
        found = dict(answers(range(4), threads, workers, in_process=False))
        assert {count for count, _ in found.values()} == {"1"}
        assert os.getpid() not in {pid for _, pid in found.values()}


def test_one_worker_is_this_process():
    assert dict(answers([1, 2], doubling, 1)) == {1: 2, 2: 4}


def test_a_caller_that_stops_early_ends_the_processes():
    for _ in answers(range(100), doubling, 2):
        break
