"""Find faults of a dataset before training or evaluation."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from scipy.ndimage import binary_fill_holes, label

from LaMoDCore.heart.geometry import Array
from LaMoDCore.io.dataset.folder import (
    DatasetCase,
    DatasetCaseError,
    DatasetEntry,
    DatasetIndex,
    read_dataset_case,
)
from LaMoDCore.runtime.bounded_reads import first_words
from LaMoDCore.runtime.errors import LaMoDInputError
from LaMoDCore.runtime.plain_text import counted
from LaMoDCore.runtime.progress import SILENT, Progress

Severity = Literal["error", "warning"]

#: Prefix of "motion_source" in case.json if a model predicted the motion.
PREDICTED = "predicted"
#: Largest plausible in-plane motion; larger motion has wrong units or signs.
_LARGEST_MOTION_MM = 40.0
#: Largest mean motion of the reference frame.
_REFERENCE_MOTION_MM = 0.05
#: Share of wall pixels that must be within a pixel of the drawn wall after the displacement.
_CARRIED_SHARE = 0.75
_SMALLEST_WALL_MM2 = 100.0


@dataclass(frozen=True)
class Finding:
    """One fault of a dataset.

    Attributes:
        severity: "error" if training or evaluation would be wrong, "warning" if it may be.
        case: id, or "" for the whole dataset.
        message: a sentence.
    """

    severity: Severity
    case: str
    message: str


def check_dataset(folder: str | Path, progress: Progress = SILENT) -> tuple[DatasetIndex, list[Finding]]:
    """Read every case and find its faults.

    Returns:
        The index, and the findings in file order.

    Raises:
        LaMoDInputError: there is no dataset.json that can be read.
    """
    index = DatasetIndex.load_usable(folder)
    findings = [Finding("error", fault.case, f"dataset.json: {fault.reason}.") for fault in index.faults]
    findings += check_index(index)
    partners: dict[str, str | None] = {}
    first_with: dict[str, DatasetEntry] = {}
    for number, entry in enumerate(index, 1):
        try:
            case = read_dataset_case(folder, entry.id)
            found = list(check_case(entry, case))
        except DatasetCaseError as error:
            findings += [Finding("error", entry.id, f"{name}: {reason}.") for name, reason in error.faults]
        except LaMoDInputError as error:
            findings.append(Finding("error", entry.id, f"{Path(error.source).name}: {error.reason}."))
        except (ArithmeticError, ValueError, IndexError, OSError) as error:  # values that no check foresees
            findings.append(Finding("error", entry.id, f"It cannot be checked ({first_words(error)})."))
        else:
            partners[entry.id] = case.paired_with
            findings += found
            findings += _imported_twice(entry, first_with.setdefault(_content(case), entry))
        progress.update("validate", number / len(index), f"case {number} of {len(index)}")
    findings.extend(check_pairs(index, partners))
    return index, findings


def _content(case: DatasetCase) -> str:
    """SHA-256 of what was measured: masks, motion and times."""
    digest = hashlib.sha256(repr(case.masks.shape).encode())
    digest.update(np.packbits(case.masks).tobytes())
    digest.update(case.frame_times_ms.tobytes())
    if case.displacement_mm is not None:
        digest.update(np.ascontiguousarray(case.displacement_mm).tobytes())
    return digest.hexdigest()


def _imported_twice(entry: DatasetEntry, first: DatasetEntry) -> Iterator[Finding]:
    if first.id != entry.id:
        leak = first.subject != entry.subject or first.split != entry.split
        yield Finding(
            "error" if leak else "warning",
            entry.id,
            f"Its masks, times and motion are those of {first.id}: it was imported twice.",
        )


def refuse_faulty_index(index: DatasetIndex) -> None:
    """Refuse a dataset that neither training nor evaluation can use.

    Raises:
        LaMoDInputError: dataset.json repeats an id, or has a subject in two splits.
    """
    for finding in check_index(index):
        if finding.severity == "error":
            raise LaMoDInputError(
                index.folder.name,
                f"{finding.case}: {finding.message}".removeprefix(": ").rstrip("."),
                "correct dataset.json; `lamod dataset validate` lists all faults",
            )


def check_index(index: DatasetIndex) -> Iterator[Finding]:
    """Check dataset.json: repeated ids, empty and leaking splits, unbalanced sites, folders that are not listed."""
    if not index.entries:
        yield Finding("error", "", "The dataset has no cases.")
    for case_id, count in Counter(entry.id for entry in index).items():
        if count > 1:
            yield Finding("error", case_id, f"The id is used {count} times.")
    for alike in _alike([entry.id for entry in index]):
        yield Finding("warning", "", f"The ids {alike} differ only in case: on Windows and macOS they are one folder.")
    used = {entry.split for entry in index}
    for split, purpose in (("train", "train on"), ("val", "choose the best epoch with"), ("test", "evaluate on")):
        if index.entries and split not in used:
            yield Finding("warning", "", f"No subject is in {split}: there is nothing to {purpose}.")
    splits: dict[str, set[str]] = defaultdict(set)
    for entry in index:
        splits[entry.subject].add(entry.split)
    for subject, where in splits.items():
        if len(where) > 1:
            yield Finding("error", "", f"Subject {subject} is in {' and '.join(sorted(where))}: splits leak.")
    yield from _uneven_sites(index)
    cases = index.folder / "cases"
    known = {entry.id for entry in index} | {fault.case for fault in index.faults}
    there = [p.name for p in cases.iterdir() if not p.name.startswith(".")] if cases.is_dir() else []
    strays = sorted(name for name in there if name not in known)
    if strays:
        yield Finding(
            "warning", "", f"dataset.json lacks {counted(len(strays), 'folder')} of cases/, the first is {strays[0]}."
        )


def _alike(ids: list[str]) -> list[str]:
    """Groups of ids that differ only in case, as text."""
    groups: dict[str, set[str]] = defaultdict(set)
    for case_id in ids:
        groups[case_id.casefold()].add(case_id)
    return [" and ".join(sorted(group)) for group in groups.values() if len(group) > 1]


def _uneven_sites(index: DatasetIndex) -> Iterator[Finding]:
    """Sites whose number of subjects in a split differs by more than a fifth, and two, from the balanced number."""
    subjects = {entry.subject: (entry.site, entry.split) for entry in index}
    pairs = Counter(subjects.values())
    sites, splits = Counter(site for site, _ in subjects.values()), Counter(split for _, split in subjects.values())
    for (site, split), count in sorted(pairs.items()):
        expected = sites[site] * splits[split] / max(len(subjects), 1)
        if abs(count - expected) > max(2.0, 0.2 * expected):
            yield Finding(
                "warning",
                "",
                f"Site {site} has {counted(count, 'subject')} in {split}, {expected:.1f} would be balanced.",
            )


def check_case(entry: DatasetEntry, case: DatasetCase) -> Iterator[Finding]:
    """Check one case's masks, times, geometry and motion."""

    def error(message: str) -> Finding:
        return Finding("error", entry.id, message)

    def warning(message: str) -> Finding:
        return Finding("warning", entry.id, message)

    if case.level != entry.level:
        yield error(f"It is {case.level} in case.json and {entry.level} in dataset.json.")
    if (np.diff(case.frame_times_ms) <= 0).any():
        yield error("Its frame times do not increase.")
    if not 300 <= case.rr_ms <= 2500:
        yield error(f"Its cycle of {case.rr_ms:.0f} ms is implausible for a human heart.")
    elif case.frame_times_ms[-1] - case.frame_times_ms[0] > 1.02 * case.rr_ms:
        yield error("Its frames last longer than its cycle.")
    spacing = case.grids[0].spacing_mm
    if not all(0.3 <= step <= 5 for step in spacing):
        yield error(f"Its pixels of {spacing[0]:.3g} × {spacing[1]:.3g} mm are implausible for a heart scan.")
    empty = _empty_mask(case.masks)
    if empty:
        yield error(empty)
    yield from (warning(message) for message in _doubtful_masks(case.masks, spacing[0] * spacing[1]))
    if case.rv_insertion_lps is None:
        yield warning("The right-ventricular insertion is unknown: its segments start from a default.")
    elif not _near_wall(case):
        yield warning("The right-ventricular insertion lies more than 25 mm from the wall.")
    if case.displacement_mm is None:
        if entry.cohort == "dense":
            yield error("It is of cohort dense and has no displacement.npz.")
        return
    yield from (error(message) for message in _motion_errors(case))
    source = str((case.details or {}).get("motion_source", ""))
    if source.startswith(PREDICTED):
        yield warning(f"Its motion was {source}, not measured: a model trained on it learns the other model's errors.")
    share = _carried_share(case)
    if share < _CARRIED_SHARE:
        yield warning(f"Only {share:.0%} of the wall is in the drawn wall after its displacement.")


def _empty_mask(masks: Array) -> str:
    """The first empty mask of [T, Z, H, W] as a sentence; "" if there is none."""
    empty = np.argwhere(~masks.any(axis=(2, 3)))
    return f"Its mask is empty in frame {empty[0][0]}, slice {empty[0][1]}." if len(empty) else ""


def _doubtful_masks(masks: Array, pixel_mm2: float) -> Iterator[str]:
    areas = masks.sum((2, 3)) * pixel_mm2
    if areas.all() and (areas < _SMALLEST_WALL_MM2).any():
        yield f"Its smallest wall is {areas.min():.0f} mm²: check pixel size and labels."
    open_frames = [
        frame
        for frame, stack in enumerate(masks)
        for mask in stack
        if mask.any() and (label(mask, np.ones((3, 3)))[1] > 1 or binary_fill_holes(mask).sum() == mask.sum())
    ]
    if open_frames:
        yield f"Its wall is not a closed ring in {counted(len(open_frames), 'frame')}, the first is {open_frames[0]}."


def _near_wall(case: DatasetCase) -> bool:
    grid = case.grids[case.masks.shape[1] // 2]
    rows, columns = np.nonzero(case.masks[case.reference_frame, case.masks.shape[1] // 2])
    if rows.size == 0:
        return True
    insertion = grid.lps_to_pixel(case.rv_insertion_lps)
    offsets = (np.stack([columns, rows], -1) - insertion) * np.array(grid.spacing_mm)
    return bool(np.hypot(*offsets.T).min() < 25.0)


def _motion_errors(case: DatasetCase) -> Iterator[str]:
    motion, valid = case.displacement_mm, case.valid
    assert motion is not None and valid is not None
    if not valid.any():
        yield "None of its displacement is valid."
        return
    if not np.isfinite(motion[valid]).all():
        yield "Its displacement is not finite where `valid` is true."
        return
    size = np.linalg.norm(motion[valid], axis=-1)
    if size.max() > _LARGEST_MOTION_MM:
        yield f"Its largest displacement is {size.max():.0f} mm: check units and signs."
    reference = valid[case.reference_frame]
    left = np.linalg.norm(motion[case.reference_frame][reference], axis=-1)
    if left.size and left.mean() > _REFERENCE_MOTION_MM:
        yield f"Its reference frame {case.reference_frame} has moved by {left.mean():.2f} mm on average."
    if size.max() == 0:
        yield "Its displacement is zero."
    for k, grid in enumerate(case.grids):
        outward = np.abs(motion[:, k][valid[:, k]] @ grid.normal)
        if outward.size and outward.mean() > 0.5:
            yield f"Its displacement leaves the plane by {outward.mean():.1f} mm, but must lie in it."
            break


def _carried_share(case: DatasetCase) -> float:
    """Share of wall pixels, over all frames, that are within a pixel of the drawn wall after the displacement."""
    motion, valid = case.displacement_mm, case.valid
    assert motion is not None and valid is not None
    landed = total = 0
    for k, grid in enumerate(case.grids):
        steps = np.array(grid.spacing_mm)
        for frame in range(case.masks.shape[0]):
            rows, columns = np.nonzero(valid[frame, k])
            moved = grid.vectors_from_lps(np.nan_to_num(motion[frame, k, rows, columns])) / steps
            x = np.rint(columns + moved[:, 0]).astype(int)
            y = np.rint(rows + moved[:, 1]).astype(int)
            tolerant = _grown(case.masks[frame, k])
            inside = (x >= 0) & (x < tolerant.shape[1]) & (y >= 0) & (y < tolerant.shape[0])
            landed += int(tolerant[y[inside], x[inside]].sum())
            total += rows.size
    return landed / total if total else 1.0


def _grown(mask: Array) -> Array:
    grown = mask.copy()
    grown[1:] |= mask[:-1]
    grown[:-1] |= mask[1:]
    grown[:, 1:] |= mask[:, :-1]
    grown[:, :-1] |= mask[:, 1:]
    return np.asarray(grown)


def check_pairs(index: DatasetIndex, partners: dict[str, str | None]) -> Iterator[Finding]:
    """Pairs must be mutual, of one subject, and one DENSE and one cine.

    Args:
        index: the dataset.
        partners: ``paired_with`` of every case that could be read.
    """
    entries = {entry.id: entry for entry in index}
    for case_id, partner in partners.items():
        if partner is None:
            continue
        other = entries.get(partner)
        if other is None:
            yield Finding("error", case_id, f"It is paired with {partner}, which is not in the dataset.")
        elif partners.get(partner) != case_id:
            yield Finding(
                "error", case_id, f"It is paired with {partner}, which is paired with {partners.get(partner)}."
            )
        elif other.subject != entries[case_id].subject or other.cohort == entries[case_id].cohort:
            yield Finding("error", case_id, f"Its pair {partner} is not the other scan of the same subject.")
