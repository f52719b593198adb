"""Options shared by several commands."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

from LaMoDCore.heart.contour_convention import CONTOUR_CONVENTIONS, parse_conventions
from LaMoDCore.models.default_model import DEFAULT_MODEL
from LaMoDCore.prediction.outputs import OUTPUTS, chosen_outputs
from LaMoDCore.runtime.errors import LaMoDInputError
from LaMoDCore.runtime.progress import PROGRESS_MODES


def numbers(count: int) -> Callable[[str], tuple[float, ...]]:
    """Parser for `count` comma-separated numbers, for argparse's `type`."""

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
    """Parser for comma-separated frame numbers, for argparse's `type`."""
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a list of frame numbers such as 0,9") from None


def add_mask_frames_option(parser: argparse.ArgumentParser) -> None:
    """Add --mask-frames; read as `args.mask_frames`."""
    parser.add_argument(
        "--mask-frames",
        metavar="0,9",
        type=frame_numbers,
        help="frames of the cine, counted from 0, on which the masks were drawn, if not on all: one for each mask, in "
        "the order of MASKS (needs --cine; not needed where a DICOM SEG refers to the images, or where the image next "
        "to a mask is a frame of the cine)",
    )


def add_labels_option(
    parser: argparse.ArgumentParser | argparse._ArgumentGroup, of: str, metavar: str = "myo=2,rv=1"
) -> None:
    """Add --labels, the meaning of the values in masks; read as `args.labels`."""
    parser.add_argument(
        "--labels", metavar=metavar, help=f"meaning of {of}; myo=2+4 combines several values into one wall"
    )


def add_outputs_option(parser: argparse.ArgumentParser, default: str) -> None:
    """Add --outputs, the parts of a result to write; read as `args.outputs`, None without the option."""
    parser.add_argument(
        "--outputs",
        metavar="LIST",
        type=_outputs,
        help=f"parts of the result to write, separated by commas: {', '.join(OUTPUTS)} (default: {default}); "
        "strain.json is always written",
    )


def _outputs(text: str) -> tuple[str, ...]:
    try:
        chosen = chosen_outputs(name.strip() for name in text.split(","))
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    if "html" in chosen:
        from LaMoDCore.report.html.bokeh_script import check_bokeh

        check_bokeh()
    return chosen


def add_insertion_options(parser: argparse.ArgumentParser) -> None:
    """Add the options for the RV insertion; read as `args.rv_insertion` and `args.slice_insertion`."""
    parser.add_argument("--rv-insertion", metavar="X,Y,Z", type=numbers(3), help="anterior RV insertion point, LPS mm")
    parser.add_argument(
        "--slice-insertion",
        metavar="X,Y,Z",
        type=numbers(3),
        action="append",
        default=[],
        help="the same for the slice in whose plane the point lies; may be repeated for other slices",
    )


def add_convention_option(
    parser: argparse._ActionsContainer, described: str, option: str = "--contour-convention", *, several: bool = False
) -> None:
    """Add the option for the convention of contours, see `LaMoDCore.heart.contour_convention`.

    Args:
        parser: the parser or a group of it.
        described: which contours it describes, and what the default is.
        option: name of the option.
        several: whether slices may have different conventions, separated by commas; the value is then a tuple.
    """
    parser.add_argument(
        option,
        metavar="|".join(CONTOUR_CONVENTIONS) + (",…" if several else ""),
        help="whether the contours follow the blood pool, as usual on cine (trabeculae outside the wall at "
        f"end-diastole), or the tissue, as on DENSE and tagging; auto: inferred by the model. {described}",
        **({"type": _conventions} if several else {"type": str.lower, "choices": CONTOUR_CONVENTIONS}),
    )


def _conventions(text: str) -> tuple[str, ...]:
    try:
        return parse_conventions(text) or ()
    except LaMoDInputError as error:
        raise argparse.ArgumentTypeError(f"{error.reason}: use {', '.join(CONTOUR_CONVENTIONS)}") from error


def add_inference_options(parser: argparse.ArgumentParser) -> None:
    """Add model, device and sampling options; options left out take the model's default."""
    parser.add_argument("--model", default=DEFAULT_MODEL, metavar="NAME|DIR", help="name or folder of the model")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:N or mps")
    add_sampling_options(parser)
    parser.add_argument(
        "--samples",
        type=int,
        metavar="N",
        help="number of samples, from which the uncertainty is computed; 1 for the prediction alone. A calibrated "
        "model draws at least as many as it was calibrated with",
    )
    parser.add_argument(
        "--no-diffusion", action="store_true", help="decode the latent of the encoder without diffusion"
    )
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="random seed (default 0)")


def add_sampling_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of the diffusion; options left out take the model's default."""
    parser.add_argument(
        "--preset",
        choices=("paper",),
        help="sample as the paper prints it: Algorithm 1 on the latent of E_R, from z of the last step, with every "
        "ancestral step",
    )
    parser.add_argument(
        "--space",
        choices=("motion", "registration"),
        help="space of the diffusion: the part of the motion that the masks do not determine, or the latent of E_R "
        "(Algorithm 1 of the paper)",
    )
    parser.add_argument("--sampler", choices=("ddim", "ddpm"), help="sampler of the reverse diffusion")
    parser.add_argument(
        "--start", type=int, metavar="M", help="diffusion step up to which Algorithm 1 adds noise to the latent"
    )
    parser.add_argument("--steps", type=int, metavar="N", help="number of DDIM steps")


def sampling_settings(args: argparse.Namespace) -> dict[str, Any]:
    """The values of `add_sampling_options` as keyword arguments of `predict_strain`.

    Raises:
        LaMoDInputError: an option contradicts --preset.
    """
    settings = {name: getattr(args, name) for name in ("space", "sampler", "start", "steps")}
    if args.preset is None:
        return settings
    for name, value in settings.items():
        if value is not None:
            raise LaMoDInputError(f"--{name}", "--preset sets it too", f"leave out --{name} or --preset")
    from LaMoDCore.prediction.options import ALGORITHM_1  # here, since it imports torch

    return {**settings, **ALGORITHM_1}


def inference_settings(args: argparse.Namespace) -> dict[str, Any]:
    """The values of `add_inference_options` as keyword arguments of `predict_strain`."""
    settings = {name: getattr(args, name) for name in ("model", "device", "samples", "seed")}
    if args.no_diffusion and args.preset is not None:
        raise LaMoDInputError("--no-diffusion", "--preset samples by diffusion", "leave out one of them")
    chosen = sampling_settings(args)
    return {**settings, **chosen, "diffusion": False if args.no_diffusion else True if args.preset else None}


def add_progress_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--progress", choices=PROGRESS_MODES, default="bar", help="format of the progress on stderr")
