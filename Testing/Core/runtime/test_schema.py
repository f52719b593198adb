"""Faults of fields, each named once."""

from dataclasses import dataclass

import numpy as np
import pytest

from LaMoDCore.runtime.errors import LaMoDInputError
from LaMoDCore.runtime.schema import (
    ArrayOf,
    Either,
    Flag,
    FolderName,
    ListOf,
    Number,
    Numbers,
    Optional,
    Record,
    Text,
    Whole,
    refuse_faults,
)
from LaMoDCore.runtime.settings_fields import check_ranges, checked, within


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [
        (Text(), ["", "a", "ä"], [None, 5, "\x1b", "x" * 501, []]),
        (Text(choices=("a", "b")), ["a"], ["c", None]),
        (Text(filled=True), ["a"], ["", "  "]),
        (
            FolderName(),
            ["a", "s1-mid"],
            ["", ".", "..", "a/b", "a\\b", "a:b", "a ", None, "a\n", "x" * 201, "CON"],
        ),
        (Number(0, 1), [0, 0.5, 1], [-1, 2, float("nan"), float("inf"), "0.5", True, None, 10**400]),
        (Whole(0, 5), [0, 5], [6, 1.0, True, "1", 10**400]),
        (Flag(), [True, False], [0, 1, "yes", None]),
        (Optional(Whole()), [None, 1], ["x"]),
        (Either((Number(), Numbers((2,)))), [1, [1, 2]], ["x", [1]]),
        (ListOf(Whole(), 1, 2), [[1], [1, 2]], [[], [1, 2, 3], ["x"], 5]),
        (Numbers((2, 2)), [[[1, 2], [3, 4]]], [[1, 2], [[1, 2]], [[1, 2], [3, "x"]], [[1, 2], [3, float("nan")]], 5]),
        (Numbers((-1,), increasing=True), [[1, 2, 3], []], [[1, 1], [2, 1]]),
        (ArrayOf((2, -1), "f"), [np.ones((2, 5))], [np.ones((3, 5)), np.ones((2, 5), int), np.full((2, 1), np.nan), 5]),
        (ArrayOf((-1,), "f", 0, 1, finite=False), [np.array([np.nan, 1.0])], [np.array([np.nan, 2.0])]),
    ],
)
def test_kinds(kind, good, bad):
    for value in good:
        assert list(kind.faults(value, "it")) == [], value
    for value in bad:
        assert all(fault.isprintable() and len(fault) < 300 for fault in kind.faults(value, "it")), value
        assert list(kind.faults(value, "it")), value


def test_a_record_has_one_fault_per_field():
    record = Record({"a": Whole(0), "b": Record({"c": Text()})}, required=("a", "d"), closed=True)
    faults = list(record.faults({"a": -1, "b": {"c": 5}, "e": 1}))
    assert len(faults) == 4
    assert any(fault.startswith("b.c must be text") for fault in faults)
    with pytest.raises(LaMoDInputError, match="3 more faults"):
        refuse_faults(iter(faults), "x", "correct it")
    assert list(record.faults([])) == ["it must be a JSON object, got a list of 0"]


@dataclass(frozen=True)
class Settings:
    rate: float = within(0.5, 0, 1)
    steps: int = within(3, 1)
    names: tuple[str, ...] = ()

    def __post_init__(self):
        check_ranges(self)


def test_settings_have_types_and_ranges():
    assert checked(Settings, {"rate": 1, "names": ["a"]}) == Settings(1.0, 3, ("a",))
    for values, error in (
        ({"rate": 2}, "rate is 2.0, it must be 0 to 1"),
        ({"rate": float("nan")}, "rate is not finite"),
        ({"steps": 0}, "steps is 0, it must be at least 1"),
        ({"steps": 10**30}, "steps is an integer of many digits"),
        ({"steps": True}, "must be of type int"),
        ({"names": [5]}, "must be text"),
        ({"step": 1}, "did you mean 'steps'"),
        ([], "must be a JSON object"),
    ):
        with pytest.raises((ValueError, TypeError), match=error):
            checked(Settings, values)
