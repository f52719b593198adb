"""Which device computes, and why; one that is not there is refused in a line."""

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
def test_auto_takes_the_fastest_and_says_so(monkeypatch, cuda, mps, device, reason):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "a card")
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)
    assert resolve_device("auto") == (torch.device(device), reason)


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("gpu", "there is no such device"),
        ("cuda", "offers no CUDA device"),
        ("cuda:3", "offers no CUDA device"),
        ("mps", "offers no Apple GPU"),
        ("cpu:x", "--device cpu:x"),
    ],
)
def test_what_is_not_there_is_refused(monkeypatch, name, sentence):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    with pytest.raises(LaMoDInputError, match=sentence):
        resolve_device(name)
