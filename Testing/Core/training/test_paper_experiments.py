"""The run of the paper preset gives commands that exist, and the closed-form denoiser is the conditional mean."""

from __future__ import annotations

import argparse
import importlib
import json
from pathlib import Path

import pytest
import torch
from ring_dataset import write_rings

from experiments.training import paper_run
from experiments.training.gaussian_denoiser import GaussianDenoiser
from LaMoDCore.io.dataset.folder import DatasetIndex, write_dataset_index
from LaMoDCore.networks.diffusion import SmoothNoise

WHITE = SmoothNoise(0.0, 0.0)


def test_every_step_is_a_command_and_a_finished_one_is_not_repeated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ran: list[tuple[str, bool]] = []
    codes = {"train": [130, 0]}

    def recorded(name: str, words: list[str], paths: paper_run.Paths) -> int:
        command = importlib.import_module(f"LaMoDCore.cli.{words[0]}")
        parser = argparse.ArgumentParser()
        command.add_arguments(parser)
        parser.parse_args(words[1:])  # ends the test if an option does not exist
        ran.append((name, "--resume" in words))
        code = codes.get(name, [0]).pop(0)
        if name == "phantom":
            data = write_rings(paths.cohort, train=1, val=1)
            entries = [entry.__class__(**{**vars(entry), "split": "test"}) for entry in DatasetIndex.load(data)]
            write_dataset_index(data, entries)
        if name == "train":
            paths.run.mkdir(exist_ok=True)
            (paths.run / paper_run.CHECKPOINT).touch()
        known = paper_run.read_durations(paths) | {name: {"finished": code == 0, "cpu_seconds": 1.0}}
        paths.durations.write_text(json.dumps(known))
        return code

    monkeypatch.setattr(paper_run, "run_step", recorded)
    monkeypatch.setattr("sys.argv", ["paper_run", "--out", str(tmp_path), "--lddmm"])
    assert paper_run.main() == 130 and "repeat the command" in capsys.readouterr().out
    assert paper_run.main() == 0
    assert ran == [("phantom", False), ("train", False), ("train", True), ("predict", False), ("evaluate", False)]


def test_the_closed_form_is_the_conditional_mean_of_a_gaussian_process() -> None:
    """Channels are correlated and differ in their spectra; no linear estimate has a smaller error."""
    torch.manual_seed(0)
    shape = (4, 6, 6)
    smooth, rough = SmoothNoise(1.5, 1.0).smooth(torch.randn(3000, 1, *shape)), torch.randn(3000, 1, *shape)
    clean = torch.cat([smooth, 0.8 * smooth + 0.3 * rough], dim=1) + 2.0
    learned, test = clean[:2500], clean[2500:]
    denoiser = GaussianDenoiser(learned, WHITE)
    signal = torch.full((len(test),), 0.3)
    noisy = signal[0].sqrt() * test + (1 - signal[0]).sqrt() * torch.randn_like(test)
    found = denoiser(noisy, signal)
    error = (found - test).square().mean()
    # The error of the conditional mean: per bin λ(1 − ᾱ) / (ᾱλ + 1 − ᾱ), averaged over the whole spectrum; λ contains
    # the shrinkage of 2 %.
    power, weight = denoiser.power, denoiser._multiplicity()
    expected = (power * 0.7 / (0.3 * power + 0.7) * weight).sum() / (2 * weight.sum())
    assert float(error) == pytest.approx(float(expected), rel=0.08)
    for factor in (0.9, 1.1):
        other = denoiser.mean + factor * (found - denoiser.mean)
        assert (other - test).square().mean() > error


def test_the_closed_form_keeps_what_has_no_noise_and_gives_the_mean_where_nothing_is_left() -> None:
    torch.manual_seed(0)
    clean = torch.randn(200, 2, 4, 6, 6) + 1.0
    denoiser = GaussianDenoiser(clean, SmoothNoise(1.0, 1.0))
    kept = denoiser(clean[:3], torch.full((3,), 1 - 1e-6))
    torch.testing.assert_close(kept, clean[:3], atol=0.02, rtol=0)
    nothing = denoiser(torch.randn(3, 2, 4, 6, 6), torch.zeros(3))
    torch.testing.assert_close(nothing, denoiser.mean.expand(3, -1, -1, -1, -1), atol=1e-5, rtol=0)


def test_the_schedule_ends_where_the_spectrum_of_the_latents_ends() -> None:
    """K leaves out fine structure, which therefore exceeds the noise much longer than with white noise."""
    torch.manual_seed(0)
    clean = torch.randn(400, 2, 4, 6, 6)
    smooth, white = GaussianDenoiser(clean, SmoothNoise(1.0, 1.0)), GaussianDenoiser(clean, WHITE)
    assert smooth.last_alpha_bar() < 0.05 * white.last_alpha_bar()
    for denoiser in (smooth, white):
        end = denoiser.last_alpha_bar(0.1)
        assert denoiser.signal_beyond(0.9 * end) <= 0.1 < denoiser.signal_beyond(1.5 * end)
