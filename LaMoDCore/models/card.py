"""MODEL_CARD.md of a model folder, generated from model.json and from measured tables.

    python -m LaMoDCore.models.card FOLDER [TABLES.md ...]

writes the card with the given Markdown tables, so that no number on it is typed by hand.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from LaMoDCore.models.registry import read_description

_LIMITS = (
    "Rotation and everything else that the mask of a ring does not show is inferred from training hearts of the same "
    "shape and level. The intervals describe how much these hearts differ.",
)
_FLAG_LIMIT = (
    "The unlike-training flag is computed from the masks and their encoding. Slices without a flag may still be wrong."
)
_LAST_LIMIT = "There is no longitudinal strain, since short-axis slices do not show it."
_NO_UNCERTAINTY = (
    "None: this model predicts without uncertainty. `lamod train-posterior` adds samples, intervals and the "
    "unlike-training flag."
)


def model_card(description: Mapping[str, Any], tables: Sequence[str] = ()) -> str:
    """The card in Markdown.

    Args:
        description: content of model.json.
        tables: Markdown of measured results, each with its own heading.
    """
    training = description.get("training", {})
    lines = [
        f"# {description['name']}",
        "",
        "Predicts left-ventricular in-plane motion over one cardiac cycle from myocardial masks of a short-axis cine"
        + (", with its uncertainty." if "uncertainty" in description else "."),
        "",
        f"**Research use only; not a medical device.** {_origin(training)}",
        "",
        f"{description.get('parameters', 0) / 1e6:.2f} million parameters; code version {description['code_version']}; "
        f"weights SHA-256 `{description['weights_sha256'][:16]}…`.",
        "",
        "## Intended use",
        "",
        _purpose(description),
        "",
        "## Training",
        "",
        *_recipe(description),
        "",
        *_against_paper(description),
        *_uncertainty(description),
        *[part for table in tables for part in (table.strip(), "")],
        "## Limits",
        "",
        *[f"- {limit}" for limit in _limits(description)],
    ]
    return "\n".join(lines) + "\n"


def _limits(description: Mapping[str, Any]) -> list[str]:
    """What the model cannot do; it depends on its inputs and intervals."""
    stored = description.get("uncertainty", {})
    thickening = (
        "In-plane area gain is learned from the masks; trabeculae that merge into the systolic contour look like "
        "thickening"
    )
    stretching = (
        "A sector that stretches next to sectors that shorten can be predicted to stretch far less, or not at all, "
    )
    limits = [*_LIMITS]
    if stored:
        limits += [f"The intervals were calibrated on {_calibration_hearts(description)}.", _FLAG_LIMIT]
    if _contour_network(description).get("conventions"):
        limits += [
            f"{thickening}, as far as the contour convention does not account for them.",
            "Strain depends on the contour convention. A wrong one, given or inferred, gives a wrong strain.",
        ]
    else:
        limits.append(f"{thickening}.")
    if stored.get("weak_segments"):
        limits.append(
            f"{stretching}without a flag. The intervals of segments that contract less than their wall are wider, but "
            "may still miss it."
        )
    else:
        limits.append(f"{stretching}outside its interval and without a flag.")
    if _posterior_config(description).get("engine_share"):
        limits.append(
            "The errors of a contour engine were imitated; slices in which an engine follows another structure, and "
            "other engines, were not."
        )
    return [*limits, _LAST_LIMIT]


def _calibration_hearts(description: Mapping[str, Any]) -> str:
    """The hearts that the intervals were calibrated on, and those on which they are untested."""
    if description.get("training", {}).get("dataset", {}).get("synthetic", True):
        return "synthetic hearts; on real hearts they are untested"
    return "validation cases of the dataset; on hearts from elsewhere they are untested"


def _contour_network(description: Mapping[str, Any]) -> Mapping[str, Any]:
    """Settings of the network that estimates motion from contours; empty if the model has none."""
    found: Mapping[str, Any] = description["config"].get("contour_motion", {})
    return found if found.get("components") else {}


def _posterior_config(description: Mapping[str, Any]) -> Mapping[str, Any]:
    """Settings of the posterior's training; empty for a model without a posterior."""
    found: Mapping[str, Any] = description.get("training", {}).get("posterior", {}).get("config", {})
    return found


def _origin(training: Mapping[str, Any]) -> str:
    """Origin of the training data. A model without a dataset in its description was trained on phantoms."""
    dataset = training.get("dataset", {})
    if dataset.get("synthetic", True):
        return "Trained on synthetic hearts only."
    return f"Trained on the dataset “{dataset['name']}”, on whose accuracy it depends; it was not validated elsewhere."


def _purpose(description: Mapping[str, Any]) -> str:
    grid = description["canonical"]
    return (
        "The input consists of masks of the left-ventricular myocardium in short-axis slices over one whole cycle. "
        f"LaMoD resamples them to {grid['frames']} frames of {grid['size']} × {grid['size']} pixels of "
        f"{grid['spacing_mm']:g} mm."
    )


def _data(dataset: Mapping[str, Any]) -> list[str]:
    if not dataset:
        return ["All subjects are synthetic (`lamod phantom`); splits are by subject."]
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


def _recipe(description: Mapping[str, Any]) -> list[str]:
    training = description.get("training", {})
    config = training.get("config", {})
    lines = _data(training.get("dataset", {}))
    if training.get("init"):
        lines.append(f"Training started from the weights of {Path(training['init']).name}.")
    if "data" in training:
        lines.append(f"Data: {training['data']}.")
    if "data_fingerprint" in training:
        lines.append(f"Fingerprint of the training data: `{str(training['data_fingerprint'])[:16]}…`.")
    if config:
        epochs = ", ".join(
            f"{stage} {config[f'{stage}_epochs']}"
            for stage in ("registration", "diffusion", "motion", "joint")
            if config.get(f"{stage}_epochs")
        )
        optimiser = "Adam" if config.get("optimiser") == "adam" else "AdamW"
        lines.append(
            f"Encoder and decoder: epochs {epochs}; batch {config.get('batch_size')}, {optimiser} "
            f"{config.get('learning_rate')}, seed {config.get('seed')}"
            + (f"; {training['minutes']} minutes." if "minutes" in training else ".")
        )
    contours = training.get("contours")
    if contours:
        lines += [
            "",
            f"Motion from contours alone: trained on {contours['slices']} slices; root mean square error "
            f"{contours['validation_mm']:.2f} mm on validation slices, compared with {contours['still_mm']:.2f} mm for "
            "a ring that only follows its centre. The mean of the posterior lies between the decoder's motion and it.",
            *_inputs_from_contours(description),
        ]
    posterior = training.get("posterior")
    if posterior:
        report = posterior["report"]
        mean = "a ridge regression on z_reg and the predicted motion"
        if contours:
            mean = f"a share of the motion from contours, and {mean} for the rest"
        lines += [
            "",
            f"Posterior (`lamod train-posterior`): fitted to the relative motion of {posterior['slices']} training "
            f"slices, with {posterior['config']['latent']['modes']} modes that contain {report['energy_held']:.1%} of "
            f"its energy. The mean ({mean}) explains {report['explained']:.1%} of the relative motion on "
            f"{posterior['validation_slices']} validation slices and is added to the prediction; the rest is sampled "
            f"by diffusion ({posterior['config']['steps']} DDIM steps, {posterior['config']['samples']} samples). The "
            "width of the posterior of a slice follows from its descriptors, which explain "
            f"{report['spread_explained']:.0%} of the variance of the log energy of the rest.",
        ]
        wider = posterior.get("randomised_slices")
        if wider:
            lines[-1] += (
                f" Modes and width, but not the mean, were also fitted to {wider[0]} slices of randomised hearts "
                f"(validated on {wider[1]} more)."
            )
    return lines


def _inputs_from_contours(description: Mapping[str, Any]) -> list[str]:
    """Inputs of the network for motion from contours besides the contours, and the readers that drew them."""
    network, share = _contour_network(description), _posterior_config(description).get("engine_share", 0.0)
    lines = []
    if network.get("conventions"):
        missed = description["training"]["contours"].get("layer_mm")
        lines.append(
            "The contour convention (blood pool or tissue) is an input of this network; without one, it is inferred. "
            "The layer of trabeculae that the contours leave out is estimated"
            + ("." if missed is None else f", with a mean absolute error of {missed:.2f} mm on validation slices.")
        )
    if network.get("roughness"):
        lines.append("The roughness of the contours is an input too.")
    if share:
        lines.append(f"{share:.0%} of the synthetic slices were drawn with the imitated errors of a contour engine.")
    return lines


def _against_paper(description: Mapping[str, Any]) -> list[str]:
    """How the networks and their training differ from the paper; empty for a model that follows it."""
    training, model = description.get("training", {}), description["config"]
    config = training.get("config", {})
    if model.get("architecture", "lamod") == "paper" or not config:
        return []
    adapted = config.get("adapt_encoder") and config.get("motion_epochs", 0) > 0
    rows = [
        (
            "E_R",
            "all pairs of frames; trained by registration, then frozen",
            "20 of 40 pairs, and the level of the slice; "
            + ("went on learning with the motion loss" if adapted else "frozen in the motion stage"),
        ),
        ("input of D_η", "ẑ of the diffusion", "z of E_R, and a geometric estimate of the motion"),
        (
            "ε_θ of Algorithm 1",
            "denoises z before D_η",
            "trained, not used by default" if config.get("joint_epochs", 0) else "untrained",
        ),
    ]
    if "contours" in training:
        count = training["contours"]["slices"]
        rows.append(("motion from contours alone", "none", f"a network trained on {count} slices"))
        if _contour_network(description).get("conventions"):
            rows.append(("contour convention", "no input", "an input of that network"))
    if "posterior" in training:
        rows.append(("diffusion", "gives the prediction", "gives the spread around the prediction only"))
    return [
        "## Compared with the paper",
        "",
        "| part | paper | this model |",
        "| --- | --- | --- |",
        *[f"| {' | '.join(row)} |" for row in rows],
        "",
    ]


def _uncertainty(description: Mapping[str, Any]) -> list[str]:
    stored = description.get("uncertainty")
    if not stored:
        return ["## Uncertainty", "", _NO_UNCERTAINTY, ""]
    rows = [
        f"| {name} | {', '.join(f'{value:.2f}' for value in each['scales'])} | {each['floor']:.4f} |"
        for name, each in stored["quantities"].items()
    ]
    rows += [
        f"| {name}, one slice or several | {each['scale']:.2f} | {each['floor']:.4f} |"
        for name, each in stored.get("global_numbers", {}).items()
    ]
    fitted = _posterior_config(description).get("weak_segment_slices")
    weak = [
        line
        for name, k in stored.get("weak_segments", {}).items()
        for line in (
            f"The variance of {name} also has the term ({k:.2f} x)², with x the segment's predicted Ecc above the mean "
            "of its wall's segments" + (f", fitted to up to {fitted} slices of randomised hearts." if fitted else "."),
            "",
        )
    ]
    return [
        "## Uncertainty",
        "",
        f"{stored['confidence']:.0%} intervals from {stored['samples']} samples, calibrated on "
        f"{_calibration_cases(description)}: √(s²σ² + f²), with a scale s for each fifth of the cycle and a floor f.",
        "",
        "| quantity | s | f |",
        "| --- | --- | --- |",
        *rows,
        "",
        *weak,
    ]


def _calibration_cases(description: Mapping[str, Any]) -> str:
    """The cases that calibrated the intervals; the largest possible number if the model does not store it."""
    count = description.get("training", {}).get("posterior", {}).get("calibration_slices")
    if count:
        return f"{count} validation slices"
    most = _posterior_config(description).get("calibration_cases")
    return f"up to {most} validation cases" if most else "validation cases"


def write_card(folder: Path, tables: Sequence[str] = ()) -> Path:
    """Write a model folder's MODEL_CARD.md and return its path."""
    card = folder / "MODEL_CARD.md"
    card.write_text(model_card(read_description(folder), tables), encoding="utf-8")
    return card


if __name__ == "__main__":
    print(write_card(Path(sys.argv[1]), [Path(name).read_text(encoding="utf-8") for name in sys.argv[2:]]))
