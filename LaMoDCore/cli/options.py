"""Options that several verbs share."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

from LaMoDCore.runtime.progress import PROGRESS_MODES


def numbers(count: int) -> Callable[[str], tuple[float, ...]]:
    """A parser of `count` comma-separated numbers, for argparse's `type`."""

    def parse(text: str) -> tuple[float, ...]:
        try:
            values = tuple(float(part) for part in text.split(","))
        except ValueError:
            values = ()
        if len(values) != count:
            raise argparse.ArgumentTypeError(f"{text!r} is not {count} numbers separated by commas")
        return values

    return parse


def frame_numbers(text: str) -> tuple[int, ...]:
    """Parser of frame numbers separated by commas, for argparse's `type`."""
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no list of frame numbers such as 0,9") from None


def add_labels_option(
    parser: argparse.ArgumentParser | argparse._ArgumentGroup, of: str, metavar: str = "myo=2,rv=1"
) -> None:
    """What the numbers in masks mean; read by `args.labels`."""
    parser.add_argument("--labels", metavar=metavar, help=f"what {of} mean; myo=2+4 joins a wall drawn in parts")


def add_insertion_options(parser: argparse.ArgumentParser) -> None:
    """Where segments start; read by `args.rv_insertion` and `args.slice_insertion`."""
    parser.add_argument("--rv-insertion", metavar="X,Y,Z", type=numbers(3), help="anterior RV insertion point, LPS mm")
    parser.add_argument(
        "--slice-insertion",
        metavar="X,Y,Z",
        type=numbers(3),
        action="append",
        default=[],
        help="the same for the one slice in whose plane the point lies; may be given for several slices",
    )


def add_inference_options(parser: argparse.ArgumentParser) -> None:
    """Model, device and sampling; what is left out is the model's default."""
    parser.add_argument("--model", default="lamod-phantom-v1", metavar="NAME|DIR", help="model by name or folder")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:N or mps")
    parser.add_argument(
        "--space",
        choices=("motion", "registration"),
        help="what is diffused: what the masks leave open of the motion, or E_R's latent (Algorithm 1 of the paper)",
    )
    parser.add_argument("--sampler", choices=("ddim", "ddpm"), help="how the diffusion is reversed")
    parser.add_argument("--start", type=int, metavar="M", help="step of Algorithm 1 at which the latent is noised")
    parser.add_argument("--steps", type=int, metavar="N", help="steps of DDIM")
    parser.add_argument(
        "--samples", type=int, metavar="N", help="samples drawn: the spread of the answer; 1 for the answer alone"
    )
    parser.add_argument("--no-diffusion", action="store_true", help="decode the encoder's latent as it is")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="of all randomness (default 0)")


def inference_settings(args: argparse.Namespace) -> dict[str, Any]:
    """What `add_inference_options` took, as `predict_strain` names it."""
    names = ("model", "device", "space", "sampler", "start", "steps", "samples", "seed")
    settings = {name: getattr(args, name) for name in names}
    return {**settings, "diffusion": False if args.no_diffusion else None}


def add_progress_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--progress", choices=PROGRESS_MODES, default="bar", help="how progress is shown on stderr")
