"""MODEL_CARD.md of a model folder, written from what model.json says and from tables that were measured.

    python -m LaMoDCore.models.card FOLDER [TABLES.md ...]

rewrites the card with the given Markdown tables in it, so that no figure on it is typed by hand.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from LaMoDCore.models.folder import read_description

LIMITS = (
    "Rotation, and all else that a ring's mask cannot show, is inferred from hearts of that shape and level: the "
    "intervals say how much hearts differ in it.",
    "Intervals were calibrated on synthetic hearts. They hold for hearts like these; on real ones they are untested.",
    "The unlike-training flag looks at the masks and at what the encoder makes of them. A slice that it does not flag "
    "may still be wrong.",
    "In-plane area gain is learned from the masks; trabeculae that vanish into the systolic contour look like "
    "thickening.",
    "A sector that stretches beside neighbours that shorten can be given as one that stretches far less, or not at "
    "all, outside its interval and without a flag.",
    "No longitudinal strain: short-axis slices do not show it.",
)
_NO_DOUBTS = (
    "None: this model answers without saying how sure it is. `lamod train-posterior` teaches a LaMoD its samples, "
    "intervals and unlike-training flag."
)
#: Those of the limits that are about intervals and flags, which a model need not have.
OF_INTERVALS = LIMITS[1:3]


def model_card(description: Mapping[str, Any], tables: Sequence[str] = ()) -> str:
    """The card's Markdown.

    Args:
        description: all of model.json.
        tables: Markdown of measured results, each with its own heading.
    """
    training = description.get("training", {})
    lines = [
        f"# {description['name']}",
        "",
        "Predicts left-ventricular in-plane motion over one cardiac cycle from myocardial masks of a short-axis cine, "
        "and says how sure it is.",
        "",
        f"**Research use only; not a medical device.** {_origin(training)}",
        "",
        f"{description.get('parameters', 0) / 1e6:.2f} million parameters; code version {description['code_version']}; "
        f"weights SHA-256 `{description['weights_sha256'][:16]}…`.",
        "",
        "## For",
        "",
        _purpose(description),
        "",
        "## Data and recipe",
        "",
        *_recipe(training),
        "",
        *_uncertainty(description, training),
        *[part for table in tables for part in (table.strip(), "")],
        "## Limits",
        "",
        *[f"- {limit}" for limit in LIMITS if "uncertainty" in description or limit not in OF_INTERVALS],
    ]
    return "\n".join(lines) + "\n"


def _origin(training: Mapping[str, Any]) -> str:
    """Whose hearts it learned from. A model that does not say was made by LaMoD's own recipe, of phantoms."""
    dataset = training.get("dataset", {})
    if dataset.get("synthetic", True):
        return "Learned from synthetic hearts alone."
    return f"Learned from the dataset “{dataset['name']}”, on whose truth it depends; nobody else has checked it."


def _purpose(description: Mapping[str, Any]) -> str:
    grid = description["canonical"]
    return (
        "Masks of the left-ventricular myocardium of short-axis slices over one whole cycle, which LaMoD puts on "
        f"{grid['frames']} frames of {grid['size']} × {grid['size']} pixels of {grid['spacing_mm']:g} mm. A model of "
        "another grid is refused."
    )


def _data(dataset: Mapping[str, Any]) -> list[str]:
    if not dataset:
        return ["Subjects are synthetic (`lamod phantom`), never a person's; splits are by subject."]
    counts = ", ".join(
        f"{split} {dataset['subjects'][split]} ({cases} cases)" for split, cases in dataset["cases"].items()
    )
    lines = [f"Dataset “{dataset['name']}”{', synthetic' if dataset['synthetic'] else ''}: subjects {counts}."]
    for title, words in (
        ("Sites", ", ".join(dataset["sites"])),
        ("Cases by disease", ", ".join(f"{name} {count}" for name, count in dataset["diseases"].items())),
        ("Cases by level", ", ".join(f"{name} {count}" for name, count in dataset["levels"].items())),
    ):
        if words:
            lines.append(f"{title}: {words}.")
    return lines


def _recipe(training: Mapping[str, Any]) -> list[str]:
    config = training.get("config", {})
    lines = _data(training.get("dataset", {}))
    if training.get("init"):
        lines.append(f"Its training started from the weights of {Path(training['init']).name}.")
    if "data" in training:
        lines.append(f"Data: {training['data']}.")
    if "data_fingerprint" in training:
        lines.append(f"Fingerprint of the prepared data: `{str(training['data_fingerprint'])[:16]}…`.")
    if config:
        epochs = ", ".join(
            f"{stage} {config[f'{stage}_epochs']}"
            for stage in ("registration", "motion", "joint")
            if config.get(f"{stage}_epochs")
        )
        lines.append(
            f"Encoder and decoder: epochs {epochs}; batch {config.get('batch_size')}, AdamW "
            f"{config.get('learning_rate')}, seed {config.get('seed')}"
            + (f"; {training['minutes']} minutes." if "minutes" in training else ".")
        )
    contours = training.get("contours")
    if contours:
        lines += [
            "",
            f"Motion from contours alone: {contours['slices']} slices, root mean square error "
            f"{contours['validation_mm']:.2f} mm on validation slices, where a ring that only follows its centre has "
            f"{contours['still_mm']:.2f} mm. The posterior goes a share of the way from the decoder's motion to it.",
        ]
    posterior = training.get("posterior")
    if posterior:
        report = posterior["report"]
        mean = "a ridge regression on z_reg and the predicted motion"
        if contours:
            mean = f"a share of the way to the motion from contours, and of the rest {mean}"
        lines += [
            "",
            f"Posterior (`lamod train-posterior`): relative motion of {posterior['slices']} training slices, "
            f"{posterior['config']['latent']['modes']} modes that hold {report['energy_held']:.1%} of its energy. "
            f"Its mean ({mean}) explains {report['explained']:.1%} of it on {posterior['validation_slices']} "
            "validation slices and is added to the answer; what is left is sampled by "
            f"diffusion ({posterior['config']['steps']} DDIM steps, {posterior['config']['samples']} samples). How "
            "wide a slice's samples scatter follows from its descriptors, which explain "
            f"{report['spread_explained']:.0%} of the variance of the logarithm of the remainder's energy there.",
        ]
        strange = posterior.get("randomised_slices")
        if strange:
            lines[-1] += (
                f" Modes and scatter, not the mean, are also of {strange[0]} slices of randomised hearts (validated on "
                f"{strange[1]} more)."
            )
    return lines


def _uncertainty(description: Mapping[str, Any], training: Mapping[str, Any]) -> list[str]:
    stored = description.get("uncertainty")
    if not stored:
        return ["## Uncertainty", "", _NO_DOUBTS, ""]
    rows = [
        f"| {name} | {', '.join(f'{value:.2f}' for value in each['scales'])} | {each['floor']:.4f} |"
        for name, each in stored["quantities"].items()
    ]
    cases = training.get("posterior", {}).get("config", {}).get("calibration_cases", "?")
    return [
        "## Uncertainty",
        "",
        f"{stored['confidence']:.0%} intervals from {stored['samples']} samples, calibrated on up to {cases} "
        "validation cases: √(s²σ² + f²) with a scale s in each fifth of the cycle and a floor f.",
        "",
        "| quantity | s | f |",
        "| --- | --- | --- |",
        *rows,
        "",
    ]


def write_card(folder: Path, tables: Sequence[str] = ()) -> Path:
    """Write a model folder's MODEL_CARD.md and return its path."""
    card = folder / "MODEL_CARD.md"
    card.write_text(model_card(read_description(folder), tables), encoding="utf-8")
    return card


if __name__ == "__main__":
    print(write_card(Path(sys.argv[1]), [Path(name).read_text(encoding="utf-8") for name in sys.argv[2:]]))
