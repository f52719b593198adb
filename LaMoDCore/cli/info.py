"""`lamod info`: describe this installation, or a file, folder or study."""

from __future__ import annotations

import argparse
import platform
import sys
from pathlib import Path

from LaMoDCore import __version__
from LaMoDCore.cli.shared.notes import print_notes
from LaMoDCore.cli.shared.options import add_labels_option, add_mask_frames_option
from LaMoDCore.runtime.errors import LaMoDInputError

HELP = "Show this installation (version, devices, models), or the contents of a file, folder or DICOM study."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "paths",
        nargs="*",
        metavar="PATH",
        type=Path,
        help="an image, a folder, or a DICOM study; several masks are read as one heart, as by lamod predict",
    )
    parser.add_argument(
        "--cine",
        nargs="+",
        default=[],
        metavar="IMAGES",
        type=Path,
        help="the cine images of masks, as for lamod predict",
    )
    add_mask_frames_option(parser)
    add_labels_option(parser, "the values of masks")
    parser.add_argument("--rr", metavar="MS", type=float, help="R–R interval of masks in ms, as for lamod predict")


def run(args: argparse.Namespace) -> int:
    if not args.paths:
        print("\n".join(installation()))
        return 0
    from LaMoDCore.io.files.describe import describe, holds_masks

    for path in args.paths:
        print("\n".join(describe(path)))
    masks = [path for path in args.paths if holds_masks(path)]
    if masks:
        from LaMoDCore.contours.input_notes import input_notes

        options = {"rr_ms": args.rr, "mask_frames": args.mask_frames}
        print_notes(input_notes(masks, cine=args.cine, labels=args.labels, **options))
    return 0


def installation() -> list[str]:
    """Lines on versions, devices and installed models."""
    import torch

    from LaMoDCore.models.folder import known_models, read_description

    lines = [
        f"LaMoD {__version__}, research use only",
        f"Python {platform.python_version()} on {platform.system()} {platform.machine()}: {sys.executable}",
        f"torch {torch.__version__}, {torch.get_num_threads()} threads",
        f"devices: {', '.join(_devices())}",
    ]
    models = known_models()
    lines.append("models:" if models else "models: none; add one with `lamod models add`")
    for name, folder in sorted(models.items()):
        try:
            parameters = read_description(folder).get("parameters", "?")
            lines.append(f"  {name}: {parameters} parameters, {folder}")
        except LaMoDInputError as error:
            lines.append(f"  {name}: cannot be used ({error.reason})")
    return lines


def _devices() -> list[str]:
    import torch

    devices = ["cpu"]
    if torch.cuda.is_available():
        devices += [f"cuda:{i} ({torch.cuda.get_device_name(i)})" for i in range(torch.cuda.device_count())]
    if torch.backends.mps.is_available():
        devices.append("mps")
    return devices
