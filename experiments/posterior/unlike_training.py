"""The unlike-training flag on unusual slices, on harmless changes, and on real cines.

`python -m experiments.posterior.evaluate unlike` runs it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

from experiments.evaluation import real_cine
from experiments.posterior.unusual_slices import HARMLESS, HELD_OUT, UNUSUAL
from LaMoDCore.evaluation.scoring import roc_auc
from LaMoDCore.evaluation.truth import drawn_case, truth_of
from LaMoDCore.heart.canonical import to_canonical
from LaMoDCore.heart.case import CineSlice
from LaMoDCore.heart.geometry import Array
from LaMoDCore.heart.ring.motion_basis import RingCoordinates
from LaMoDCore.heart.ring.orientation import insertion_angle
from LaMoDCore.heart.rv_insertion import anterior_first
from LaMoDCore.io.dataset.folder import DatasetEntry, DatasetIndex, read_dataset_case
from LaMoDCore.networks.lamod import LaMoDModel
from LaMoDCore.networks.motion_latent import ring_view, wall_motion
from LaMoDCore.networks.registration import level_number
from LaMoDCore.runtime.errors import LaMoDInputError
from LaMoDCore.uncertainty.descriptors import descriptors
from LaMoDCore.uncertainty.unlike_training import UnlikeTrainingDetector

USUAL = "usual"
#: frameID of each real series in the guide points.
_SERIES = {"Se3": "4", "Se4": "5"}


@dataclass(frozen=True, eq=False)
class Described:
    """One slice as the flag sees it; the angle of its RV insertion is NaN where it is not known."""

    group: str
    disease: str
    descriptors: Array
    angle: float


def describe(
    network: LaMoDModel, slice_: CineSlice, reference: int, insertion: Array | None, group: str, disease: str = ""
) -> Described:
    """Compute the flag's inputs as `predict_slice` does, without mapping motion back to the slice's pixels."""
    canonical = to_canonical(slice_, reference)
    level = level_number(slice_.level if slice_.level_known else None)
    with torch.inference_mode():
        masks = torch.from_numpy(canonical.occupancy)[None, None]
        latent = network.normalise(network.encode(masks, torch.tensor([level])))
        moved = network.decode(latent)[0].transpose(0, 1).float().numpy()
    coordinates = RingCoordinates.of(canonical.occupancy[0])
    ring = ring_view(latent[0, : network.config.latent_channels], moved, coordinates).ring.numpy()
    where, moved_wall = wall_motion(moved, coordinates, every=4)
    found = descriptors(canonical.occupancy, coordinates, ring, where, moved_wall, level)
    angle = insertion_angle(slice_, reference, insertion)
    return Described(group, disease, found, np.nan if angle is None else angle)


def synthetic(
    network: LaMoDModel, index: DatasetIndex, entries: Sequence[DatasetEntry], every: int = 3
) -> Iterator[Described]:
    """Test slices as they are, and each unusual and harmless group on one slice in `every`."""
    rng = np.random.default_rng(0)
    for number, entry in enumerate(entries):
        data = read_dataset_case(index.folder, entry.id)
        case = drawn_case(data)
        slice_, insertion, disease = case.slices[0], case.rv_insertion_lps, entry.disease
        yield describe(network, slice_, 0, insertion, USUAL, disease)
        changed = [
            (name, replace(slice_, myocardium=group[name](slice_.myocardium, rng)))
            for group in (UNUSUAL, HELD_OUT)
            for name in list(group)[number % every :: every]
        ]
        changed += [(name, HARMLESS[name](slice_)) for name in list(HARMLESS)[number % every :: every]]
        truth = truth_of(data)
        if truth is not None and number % every == 0:
            changed.append(("exact contours", replace(slice_, myocardium=truth.case.slices[0].myocardium)))
        for name, other in changed:
            # masks stored upside down have their right ventricle upside down as well
            point = _mirrored(slice_, insertion) if name == "upside down" else insertion
            try:
                yield describe(network, other, 0, point, name, disease)
            except LaMoDInputError:
                print(f"{name}: refused, it does not fit the canonical image")


def _mirrored(slice_: CineSlice, insertion: Array | None) -> Array | None:
    if insertion is None:
        return None
    x, y = slice_.grid.lps_to_pixel(insertion)
    return slice_.grid.pixel_to_lps([x, slice_.grid.shape[0] - 1 - y])


def real(network: LaMoDModel, data: Path) -> Iterator[Described]:
    """Se3 and Se4 with their insertion points, and patient 98 without one."""
    for series in _SERIES:
        case = real_cine.biv_me(data, series)
        points = insertion_points(data, series)
        yield describe(
            network,
            case.slices[0],
            case.reference_frame,
            anterior_first(points, case.slices[0], case.reference_frame)[0],
            series,
        )
    cases = real_cine.patient_98(data)
    for case in cases:
        yield describe(network, case.slices[0], case.reference_frame, None, case.slices[0].name)


def insertion_points(data: Path, series: str) -> Array:
    """Both RV insertion points [2, 3] of a real series at its first frame, in LPS mm."""
    file = sorted((data / "cine_biv_me" / "guidepoints").glob("GPFile_*.txt"))[0]
    rows = [line.split("\t") for line in file.read_text(encoding="utf-8").splitlines()[1:]]
    wanted = ("RV_INSERT", _SERIES[series])
    return np.array([row[:3] for row in rows if (row[3], row[4]) == wanted], dtype=np.float64)


def tables(flag: UnlikeTrainingDetector, slices: Sequence[Described]) -> None:
    """Print AUC and flagged share by group, against unchanged test slices."""
    by_group: dict[str, list[Described]] = defaultdict(list)
    for each in slices:
        by_group[each.group].append(each)
    scored = {name: _scores(flag, each) for name, each in by_group.items()}
    worst = {name: _worst(flag, each) for name, each in by_group.items()}
    limit, own = float(flag.limit), scored[USUAL]
    print(f"\nlimit {limit:.3f}; usual slices: median {np.median(own):.3f}, flagged {np.mean(own > limit):.3f}")
    for disease in sorted({each.disease for each in by_group[USUAL]}):
        values = own[[each.disease == disease for each in by_group[USUAL]]]
        print(f"  {disease}: flagged {np.mean(values > limit):.3f} of {len(values)}")
    for title, groups in (("group", UNUSUAL), ("group added later", HELD_OUT)):
        print(f"\n| {title} | slices | AUC | flagged | median score | most unusual respect |\n|" + 6 * " --- |")
        known = {name: values for name, values in scored.items() if name in groups}
        if not known:
            continue
        for name, values in known.items():
            print(f"| {name} | {_row(own, values, limit)} | {worst[name]} |")
        print(f"| all of them | {_row(own, np.concatenate(list(known.values())), limit)} | |")
    if by_group["upside down"]:
        unoriented, usual = (_scores(flag, by_group[name], oriented=False) for name in ("upside down", USUAL))
        print(f"\nUpside down, no insertion known: AUC {_row(usual, unoriented, limit).split(' | ')[1]}")
    print("\n| harmless | slices | flagged | median score |\n| --- | --- | --- | --- |")
    for name in (*HARMLESS, "exact contours"):
        if name in scored:
            values = scored[name]
            print(f"| {name} | {len(values)} | {np.mean(values > limit):.2f} | {np.median(values):.2f} |")


def real_table(flag: UnlikeTrainingDetector, slices: Sequence[Described]) -> None:
    print("\n| real slice | score | flagged | reasons |\n| --- | --- | --- | --- |")
    for each in slices:
        angle = None if np.isnan(each.angle) else each.angle
        verdict = flag.judge(each.descriptors, angle)
        flagged = "yes" if verdict.flagged else "no"
        print(f"| {each.group} | {verdict.score:.2f} | {flagged} | {', '.join(verdict.reasons)} |")


def _scores(flag: UnlikeTrainingDetector, slices: Sequence[Described], *, oriented: bool = True) -> Array:
    angles = np.array([each.angle for each in slices])
    return flag.scores(np.stack([each.descriptors for each in slices]), angles if oriented else None)


def _worst(flag: UnlikeTrainingDetector, slices: Sequence[Described]) -> str:
    """The respect that is most often the most unusual."""
    angles = np.array([each.angle for each in slices])
    found: Mapping[str, Array] = flag.rarities(np.stack([each.descriptors for each in slices]), angles)
    names = list(found)
    oddest = np.argmax(np.stack([found[name] for name in names]), axis=0)
    return names[int(np.bincount(oddest).argmax())]


def _row(own: Array, values: Array, limit: float) -> str:
    auc = roc_auc(np.concatenate([own, values]), np.arange(len(own) + len(values)) >= len(own))
    return f"{len(values)} | {auc:.3f} | {np.mean(values > limit):.2f} | {np.median(values):.2f}"
