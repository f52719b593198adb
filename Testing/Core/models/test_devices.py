"""Selection of the device; a device that does not exist is refused in one line."""

from __future__ import annotations

import pytest
import torch

from LaMoDCore.runtime.devices import resolve_device
from LaMoDCore.runtime.errors import LaMoDInputError


@pytest.mark.parametrize(
    ("cuda", "mps", "device", "reason"),
    [
        (True, False, "cuda", "CUDA: a card"),
        (False, True, "mps", "MPS: Apple GPU"),
        (False, False, "cpu", "CPU: no CUDA device"),
    ],
)
def test_auto_selects_the_fastest_device_and_reports_it(monkeypatch, cuda, mps, device, reason):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "a card")
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)
    assert resolve_device("auto") == (torch.device(device), reason)


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("gpu", "there is no such device"),
        ("cuda", "has no CUDA device"),
        ("cuda:3", "has no CUDA device"),
        ("mps", "has no Apple GPU"),
        ("cpu:x", "--device cpu:x"),
    ],
)
def test_a_missing_device_is_refused(monkeypatch, name, sentence):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    with pytest.raises(LaMoDInputError, match=sentence):
        resolve_device(name)
