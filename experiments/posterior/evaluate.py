"""Evaluate the posterior: scores with controls and changed contours, coverage by disease, and the flag.

    python -m experiments.posterior.evaluate scores   --data DIR --model NAME|DIR [--split test] [--per-disease 12]
    python -m experiments.posterior.evaluate coverage --data DIR --model NAME|DIR [--split test] [--per-disease 60]
        [--seed 0] [--samples 3,8,32] [--out shares.json]
    python -m experiments.posterior.evaluate unlike   --data DIR --model NAME|DIR [--split test] [--per-disease 12]

`scores`: at end-systole, EPE and six-segment Ecc error of the mean, energy score of the displacement (mm), CRPS of
segmental Ecc, and errors and sample spreads of rotation and segmental Ecc. The samples are independent and not centred,
as the scores assume; predictions use balanced and centred ones. Methods are the decoder alone, its expected
correction, samples of the motion latent, and controls; contours are as drawn, exact, with 12 frames, with shifted
frames, and of a slice 2 mm off.
`coverage`: share of truths in the 90 % intervals, by disease and number of samples: mean over slices (tenth percentile
over slices). `--out` keeps the share of each slice, so that an interrupted run resumes.
`unlike`: the flag on unusual slices, on harmless changes and, where they are available, on real cines.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from scipy import ndimage

from experiments.paths import REAL_DATA
from experiments.posterior.unlike_training import real, synthetic
from experiments.posterior.unlike_training import real_table as flag_of_real
from experiments.posterior.unlike_training import tables as flag_tables
from LaMoDCore.evaluation.scoring import coverage, crps, energy_score
from LaMoDCore.evaluation.truth import Truth, drawn_case, truth_of
from LaMoDCore.heart.canonical import to_canonical
from LaMoDCore.heart.case import Case, CineSlice, SliceMotion
from LaMoDCore.heart.geometry import Array
from LaMoDCore.heart.ring.motion_basis import RingCoordinates
from LaMoDCore.io.dataset.folder import DatasetEntry, DatasetIndex, read_dataset_case
from LaMoDCore.models.default_model import DEFAULT_MODEL
from LaMoDCore.models.folder import LoadedModel, lamod_network, load_model
from LaMoDCore.phantom.cohort.build import plane_cases
from LaMoDCore.phantom.cohort.pairing import rescanned
from LaMoDCore.phantom.cohort.recipe import CohortRecipe
from LaMoDCore.prediction.samples import expected_motion_and_samples
from LaMoDCore.prediction.slice_motion import decoded_slice, spread_of
from LaMoDCore.strain import slice_strain
from LaMoDCore.strain.frame import ventricle_center
from LaMoDCore.strain.indices import rotation_degrees
from LaMoDCore.training.posterior.held_out import coverage_of, held_out_errors
from LaMoDCore.uncertainty.intervals import calibration_of

SAMPLES = 8
#: Quantities whose intervals are checked.
COVERED = ("displacement_mm", "segment_ecc", "segment_err", "ecc", "err", "jacobian")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("scores", "coverage", "unlike"))
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--model", default=DEFAULT_MODEL)
    parser.add_argument("--split", default="test", help="one or several, such as train,val,test")
    parser.add_argument("--per-disease", type=int, default=12, help="subjects, one slice of each")
    parser.add_argument("--skip", type=int, default=0, help="number of subjects of each disease to skip first")
    parser.add_argument("--contours", default="", metavar="A,B", help="only these contours (scores)")
    parser.add_argument("--seed", type=int, default=0, help="random seed of the samples (coverage)")
    parser.add_argument("--samples", default=str(SAMPLES), metavar="N,M", help="samples per slice (coverage)")
    parser.add_argument("--out", type=Path, help="file with the shares of each slice (coverage)")
    args = parser.parse_args()
    torch.set_num_threads(1)
    index = DatasetIndex.load(args.data)
    entries = chosen_entries(index, args.split, args.per_disease, args.skip)
    print(f"{args.model}: {len(entries)} slices of {len({e.subject for e in entries})} subjects\n", flush=True)
    wanted = [name for name in args.contours.split(",") if name] or list(CHANGES)
    model = load_model(args.model)
    if args.what == "scores":
        scores(model, index, entries, wanted)
    elif args.what == "coverage":
        wanted_samples = [int(number) for number in args.samples.split(",")]
        coverage_table(coverage_shares(model, index, entries, args.seed, wanted_samples, args.out), entries)
    else:
        unlike(model, index, entries)


def chosen_entries(index: DatasetIndex, split: str, per_disease: int, skip: int = 0) -> list[DatasetEntry]:
    """One slice per subject, planes in turn, of up to `per_disease` subjects of each disease after the first `skip`."""
    by_disease: dict[str, dict[str, list[DatasetEntry]]] = defaultdict(lambda: defaultdict(list))
    for entry in index:
        if entry.split in split.split(",") and entry.cohort == "dense":
            by_disease[entry.disease][entry.subject].append(entry)
    chosen = []
    for subjects in by_disease.values():
        for number, own in enumerate(list(subjects.values())[skip : skip + per_disease]):
            chosen.append(own[number % len(own)])
    return chosen


# --- scores ---------------------------------------------------------------------------------------------------------


def scores(model: LoadedModel, index: DatasetIndex, entries: list[DatasetEntry], contours: list[str]) -> None:
    rows: dict[tuple[str, str], list[list[float]]] = defaultdict(list)
    rng = np.random.default_rng(0)
    for number, entry in enumerate(entries):
        data = read_dataset_case(index.folder, entry.id)
        truth = truth_of(data)
        if truth is None:
            continue
        drawn = Drawn(drawn_case(data).slices[0], truth, entry, index.folder)
        for change in contours:
            slice_ = CHANGES[change](drawn, rng)
            for method, motion in methods(model, slice_, rng):
                rows[change, method].append(score(truth, motion, slice_))
        if number % 10 == 9:
            print(f"{number + 1} of {len(entries)}", flush=True)
    names = "EPE at ES (mm) | Ecc error | energy score (mm) | Ecc CRPS | rotation: error, spread (°)"
    expected = (SAMPLES - 1) / (SAMPLES + 1)
    print(f"| contours | method | {names} | Ecc: error, spread | in range (expected {expected:.2f}) |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- | --- |")
    for (change, method), values in rows.items():
        table = np.array(values)
        m = np.nanmean(table, axis=0)
        base = np.array(rows[change, "decoder alone"])
        gap = [interval_of_mean(table[:, k] - base[:, k]) for k in (0, 2)]
        print(
            f"| {change} | {method} | {m[0]:.3f} {gap[0]} | {m[1]:.4f} | {m[2]:.3f} {gap[1]} | {m[3]:.4f} | "
            f"{np.sqrt(m[4]):.2f}, {np.sqrt(m[5]):.2f} | {np.sqrt(m[6]):.4f}, {np.sqrt(m[7]):.4f} | {m[8]:.2f} |"
        )


def interval_of_mean(differences: Array) -> str:
    """95 % bootstrap interval of the mean paired difference over slices, one per subject."""
    rng = np.random.default_rng(0)
    means = differences[rng.integers(0, len(differences), (2000, len(differences)))].mean(axis=1)
    low, high = np.quantile(means, [0.025, 0.975])
    return f"[{low:+.3f}, {high:+.3f}]"


@dataclass(frozen=True, eq=False)
class Drawn:
    """A slice as its reader drew it, its truth, its dataset entry and the dataset's folder."""

    slice: CineSlice
    truth: Truth
    entry: DatasetEntry
    folder: Path


def as_drawn(drawn: Drawn, rng: np.random.Generator) -> CineSlice:
    return drawn.slice


def exact(drawn: Drawn, rng: np.random.Generator) -> CineSlice:
    return replace(drawn.slice, myocardium=drawn.truth.case.slices[0].myocardium)


def few_frames(drawn: Drawn, rng: np.random.Generator) -> CineSlice:
    """12 frames are drawn; the others count as not acquired, so that the prediction keeps the truth's frames."""
    acquired = np.zeros(drawn.slice.frames, dtype=bool)
    acquired[np.linspace(0, drawn.slice.frames, 12, endpoint=False).astype(int)] = True
    return replace(drawn.slice, valid_frames=acquired)


def shifted_frames(drawn: Drawn, rng: np.random.Generator) -> CineSlice:
    """Every frame but the first is displaced by about 1.5 mm, as between breath-holds."""
    moved = drawn.slice.myocardium.copy()
    for frame in range(1, drawn.slice.frames):
        moved[frame] = ndimage.shift(moved[frame].astype(np.float32), rng.normal(0, 1.2, 2), order=1) > 0.5
    return replace(drawn.slice, myocardium=moved)


def other_slice(drawn: Drawn, rng: np.random.Generator) -> CineSlice:
    """The contours of the plane 2 mm towards base or apex, with the truth of the original plane."""
    recipe = CohortRecipe.from_json(json.loads((drawn.folder / "phantom.json").read_text(encoding="utf-8")))
    subject, name = int(drawn.entry.subject.removeprefix("s")), drawn.entry.id.split("-", 1)[1]
    number, plane = next((n, p) for n, p in enumerate(recipe.subject(subject).slices()) if p.name == name)
    displaced = rescanned(plane, along_mm=float(rng.choice([-2.0, 2.0])))
    (case,) = plane_cases(replace(recipe, pictures=False), subject, number, displaced, drawn.entry.id)
    return replace(drawn.slice, myocardium=case.masks[:, 0])


CHANGES: dict[str, Callable[[Drawn, np.random.Generator], CineSlice]] = {
    "as drawn": as_drawn,
    "exact": exact,
    "12 frames": few_frames,
    "frames shifted": shifted_frames,
    "slice 2 mm off": other_slice,
}


def methods(model: LoadedModel, slice_: CineSlice, rng: np.random.Generator) -> Iterator[tuple[str, SliceMotion]]:
    """Predictions of every method, with E_R and D_η computed once."""
    network = lamod_network(model)
    latent = network.motion_latent
    assert latent is not None
    canonical = to_canonical(slice_, 0)
    coordinates = RingCoordinates.of(canonical.occupancy[0])
    with torch.inference_mode():
        decoded = decoded_slice(network, slice_, canonical, coordinates)
        view, schedule = decoded.view, network.config.schedule
        expected = latent.expected_relative(view)
        mean = latent.expected(view.alone())
        plain = latent.decode(torch.zeros(1, latent.config.modes))[0] * 0
        spread = spread_of(network, decoded)

        def around(relative: Array, center: Array) -> SliceMotion:
            moved, samples = expected_motion_and_samples(
                decoded.displacement_mm, decoded.canonical_mm, center, relative, coordinates, canonical
            )
            return SliceMotion(moved.stored(), samples if len(samples) else None)

        none = np.zeros((0, *expected.shape), dtype=np.complex64)
        yield "decoder alone", around(none, plain)
        yield "expected correction", around(none, expected)
        for name, options in (
            ("DDIM, 25 steps", {"steps": 25}),
            ("DDIM, 5 steps", {"steps": 5}),
            ("DDIM, 25 steps, guidance 2", {"steps": 25, "guidance": 2.0}),
            ("DDPM, 500 steps", {"sampler": "ddpm"}),
            ("DDIM, 25 steps, one spread for all slices", {"steps": 25, "spread": 1.0}),
        ):
            generator = torch.Generator().manual_seed(0)
            codes = latent.sample(view, SAMPLES, schedule, generator, **{"spread": spread, "balance": False, **options})  # type: ignore[arg-type]
            yield f"motion latent, {name}", around(latent.decode(codes) - expected, expected)
        draws = torch.from_numpy(rng.standard_normal((SAMPLES, latent.config.modes)).astype(np.float32))
        for name, factor in (("constant width", 1.0), ("the slice's width", spread)):
            codes = mean + factor * latent.scatter * draws
            yield f"control: Gaussian of {name}", around(latent.decode(codes) - expected, expected)
        unconditional = latent.decode(0 * mean)[0]
        yield "control: no condition", around(latent.decode(draws) - unconditional, unconditional)


def score(truth: Truth, motion: SliceMotion, slice_: CineSlice) -> list[float]:
    """EPE, Ecc error, energy score, CRPS, squared errors and spreads of rotation and Ecc, share in range."""
    es, here = truth.es_frame, truth.valid[0][truth.es_frame]
    true_mm = truth.motions[0].displacement_mm[es]
    samples = motion.displacement_mm[None, es] if motion.samples_mm is None else motion.samples_mm[:, es]
    every = np.concatenate([motion.displacement_mm[None, es], samples])
    error = np.linalg.norm(every[0] - true_mm, axis=0)[here].mean()
    wall = truth.case.slices[0].myocardium[0]
    ecc = segmental_ecc(truth.case, every)
    ecc_true = truth.strains[0].segment_curves["ecc"][:, es]
    grid, center = truth.case.slices[0].grid, ventricle_center(wall)
    turns = rotation_degrees(every, wall, grid, center)
    turn_true = rotation_degrees(true_mm[None], wall, grid, center)[0]
    known = np.isfinite(ecc_true) & np.isfinite(ecc).all(axis=0)
    spread = len(samples) > 1
    return [
        float(error),
        float(np.abs(ecc[0] - ecc_true)[known].mean()),
        float(energy_score(np.moveaxis(samples[:, :, here], 1, -1), true_mm[:, here].T).mean()),
        float(crps(ecc[1:][:, known], ecc_true[known]).mean()),
        float((turns[0] - turn_true) ** 2),
        float(turns[1:].var(ddof=1)) if spread else 0.0,
        float(((ecc[0] - ecc_true)[known] ** 2).mean()),
        float(ecc[1:][:, known].var(axis=0, ddof=1).mean()) if spread else 0.0,
        coverage(ecc[1:][:, known], ecc_true[known])[0] if spread else np.nan,
    ]


def segmental_ecc(case: Case, at_es: Array) -> Array:
    """Segmental Ecc [N, S] of displacements [N, 2, H, W] on the true wall, treated as frames of one slice."""
    slice_ = case.slices[0]
    count = len(at_es)
    frames = CineSlice(
        slice_.name,
        slice_.grid,
        np.broadcast_to(slice_.myocardium[case.reference_frame], (count, *slice_.grid.shape)),
        np.arange(count, dtype=np.float64),
        float(count),
        slice_.level,
    )
    return slice_strain(frames, SliceMotion(at_es), 0, case.rv_insertion_lps).segment_curves["ecc"].T


# --- coverage -------------------------------------------------------------------------------------------------------


#: By number of samples, case and quantity: the share of true values within the intervals of the slice.
Shares = dict[str, dict[str, dict[str, float]]]


def coverage_shares(
    model: LoadedModel,
    index: DatasetIndex,
    entries: list[DatasetEntry],
    seed: int,
    samples: list[int],
    out: Path | None,
) -> Shares:
    calibration = calibration_of(model.description, model.name)
    assert calibration is not None, "this model's intervals are not calibrated"
    known: Shares = json.loads(out.read_text(encoding="utf-8")) if out is not None and out.exists() else {}
    for number, entry in enumerate(diseases_in_turn(entries), 1):
        for count in samples:
            own = known.setdefault(str(count), {})
            if entry.id not in own:
                found = held_out_errors(model, index, entry, count, seed)
                values = {name: coverage_of(calibration, found, name) for name in COVERED}
                own[entry.id] = {name: round(float(each.mean()), 5) for name, each in values.items() if each.size}
        if out is not None:
            out.write_text(json.dumps(known), encoding="utf-8")
        if number % 10 == 0:
            print(f"{number} of {len(entries)}", flush=True)
    return {str(count): {e.id: known[str(count)][e.id] for e in entries} for count in samples}


def diseases_in_turn(entries: list[DatasetEntry]) -> list[DatasetEntry]:
    """The same entries in an order in which any number of the first ones contains all diseases evenly."""
    seen: Counter[str] = Counter()
    rank = {}
    for entry in entries:
        seen[entry.disease] += 1
        rank[entry.id] = seen[entry.disease]
    return sorted(entries, key=lambda entry: rank[entry.id])


def coverage_table(shares: Shares, entries: list[DatasetEntry]) -> None:
    disease_of = {entry.id: entry.disease for entry in entries}
    print(f"| samples | disease | slices | {' | '.join(COVERED)} |\n| --- | --- | --- |{' --- |' * len(COVERED)}")
    for samples, by_case in shares.items():
        for disease in (*sorted(set(disease_of.values())), "all"):
            own = [found for name, found in by_case.items() if disease in (disease_of[name], "all")]
            columns = [np.array([each.get(name, np.nan) for each in own]) for name in COVERED]
            cells = [f"{np.nanmean(share):.3f} ({np.nanquantile(share, 0.1):.2f})" for share in columns]
            print(f"| {samples} | {disease} | {len(own)} | {' | '.join(cells)} |", flush=True)


# --- the flag -------------------------------------------------------------------------------------------------------


def unlike(model: LoadedModel, index: DatasetIndex, entries: list[DatasetEntry]) -> None:
    flag = lamod_network(model).familiarity
    assert flag is not None, "this model has no flag"
    flag_tables(flag, list(synthetic(lamod_network(model), index, entries)))
    if REAL_DATA.is_dir():
        flag_of_real(flag, list(real(lamod_network(model), REAL_DATA)))


if __name__ == "__main__":
    main()
