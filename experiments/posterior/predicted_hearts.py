"""Predictions of hearts of known motion with several shares of the contour network, stored for later fits.

`predicted` predicts one slice as `predict_strain` does and keeps, next to segmental strain and its spread, what is
known at prediction time and may indicate larger errors: the drawn wall of each segment (`wall_of_segments`), the
descriptors of the slice, and the answers for several factors on the shares of the estimate from contours.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
import torch

from experiments.evaluation.real_dense import bloch_annulus, swine_heart
from experiments.phantoms.ellipsoid_heart import EllipsoidHeart, weaker
from experiments.phantoms.ellipsoid_phantom import HEARTS
from experiments.phantoms.phantom_test_v2 import case_of, heart_of
from LaMoDCore.evaluation.displacement import endpoint_error
from LaMoDCore.evaluation.truth import drawn_case, truth_of
from LaMoDCore.heart.canonical import FRAMES, CanonicalSlice, periodic_weights, to_canonical
from LaMoDCore.heart.case import Case, SliceMotion, SliceStrain
from LaMoDCore.heart.geometry import Array, affine_2d
from LaMoDCore.heart.ring.motion_basis import RingCoordinates
from LaMoDCore.io.dataset.folder import DatasetCase
from LaMoDCore.models.folder import LoadedModel, lamod_network
from LaMoDCore.networks.ring_contours import CONTOUR_ANGLES, RingContours
from LaMoDCore.phantom.cohort.cases import canonical_case
from LaMoDCore.phantom.cohort.recipe import CohortRecipe
from LaMoDCore.phantom.imaging.annotator import draw_careful_annotator
from LaMoDCore.prediction.options import resolve_options
from LaMoDCore.prediction.samples import expected_motion_and_samples
from LaMoDCore.prediction.slice_motion import _samples, decoded_slice, spread_of
from LaMoDCore.strain import end_systole, slice_strain

#: Factors on the model's shares of the estimate from contours.
FACTORS = (0.0, 0.5, 1.0, 1.0 / 0.85)
#: Number in `FACTORS` of the model as it is.
AS_IT_IS = 2
_STREAM = 36
#: Harmonics of a contour that its curvature is computed from.
_HARMONICS = 6


@dataclass(frozen=True, eq=False)
class KnownSlice:
    """One slice of known motion: the case as drawn, and the truth.

    Attributes:
        name, subject: unique names.
        case: the case of one slice.
        motion_mm: true displacement [T, 2, H, W].
        valid: bool [T, H, W], where it is known.
        strain: strain of the true motion.
    """

    name: str
    subject: str
    case: Case
    motion_mm: Array
    valid: Array
    strain: SliceStrain


@dataclass(frozen=True, eq=False)
class Predicted:
    """One predicted slice of T frames and S segments.

    Attributes:
        name, subject: of the slice.
        reference, es: end-diastole and end-systole of the drawn masks.
        phases: [T] fractions of the cycle.
        measured: bool [T], frames whose motion is known.
        true, std: segmental Ecc of the truth and SD over the samples, [S, T].
        ecc: [FACTORS, S, T].
        true_mean, mean: Ecc of the whole wall, [T] and [FACTORS, T].
        epe: [FACTORS, T] in mm.
        wall: [5, S, T], see `wall_of_segments`.
        descriptors: of the slice.
        rarity: of the slice in each group of the unlike-training flag but its orientation; limit: of the largest.
        told: code of the estimate from contours, in units of the posterior's SD, [modes].
    """

    name: str
    subject: str
    reference: int
    es: int
    phases: Array
    measured: Array
    true: Array
    std: Array
    ecc: Array
    true_mean: Array
    mean: Array
    epe: Array
    wall: Array
    descriptors: Array
    rarity: Array
    limit: float
    told: Array

    @property
    def counted(self) -> Array:
        """Bool [T], frames with a truth other than end-diastole."""
        return self.measured & (np.arange(len(self.phases)) != self.reference)

    def write(self, path: Path) -> None:
        np.savez(path, **{f.name: getattr(self, f.name) for f in fields(self)})

    @classmethod
    def read(cls, path: Path) -> Predicted:
        with np.load(path) as stored:
            values = {f.name: stored[f.name] for f in fields(cls)}
        return cls(**{name: value.item() if value.ndim == 0 else value for name, value in values.items()})


# --- hearts ---------------------------------------------------------------------------------------------------------


def of_dataset(data: DatasetCase, subject: str) -> KnownSlice:
    """A case of one slice of a dataset, with its truth on the true wall."""
    truth = truth_of(data)
    assert truth is not None
    return KnownSlice(
        data.id, subject, drawn_case(data), truth.motions[0].displacement_mm, truth.valid[0], truth.strains[0]
    )


def phantoms(subjects: range, seed: int, *, randomise: bool) -> Iterator[KnownSlice]:
    """Four slices of each subject of the training phantom or of the wider distribution, as readers draw them."""
    recipe = CohortRecipe(count=subjects.stop, seed=seed)
    for number in subjects:
        subject = recipe.randomised_subject(number) if randomise else recipe.subject(number)
        for n, plane in enumerate(subject.slices()):
            rng = np.random.default_rng([_STREAM, seed, number, n])
            name = f"{'randomised' if randomise else 'phantom'}-{seed}-{number}-{n}"
            reader = draw_careful_annotator(rng) if randomise else None
            case = canonical_case(plane, name, (seed, number, n), annotator=reader, trabeculae_mm=recipe.trabeculae_mm)
            yield of_dataset(case, name.rsplit("-", 1)[0])


def ellipsoids(hearts: tuple[EllipsoidHeart, ...], first: int) -> Iterator[KnownSlice]:
    """Hearts of `ellipsoid_heart`; `first` is the number of the first reader. The truth is that on the drawn wall."""
    for number, heart in enumerate(hearts):
        case, motion = heart.case(first + number)
        slice_ = case.slices[0]
        wall = np.broadcast_to(slice_.myocardium[case.reference_frame], slice_.myocardium.shape)
        strain = slice_strain(slice_, SliceMotion(motion), case.reference_frame, case.rv_insertion_lps)
        name = f"{first + number}-{heart.name}".replace(" ", "-").replace("%", "percent")
        yield KnownSlice(name, name, case, motion, wall, strain)


def bulging_hearts(count: int, seed: int) -> tuple[EllipsoidHeart, ...]:
    """Ellipsoids with a sector that does not contract or stretches in systole, of any place and width."""
    found = []
    for number in range(count):
        rng = np.random.default_rng([_STREAM, seed, number])
        found.append(
            EllipsoidHeart(
                f"bulge {number}",
                frames=int(rng.integers(24, 36)),
                cavity_mm=rng.uniform(23, 30),
                wall_mm=rng.uniform(7, 9.5),
                contraction=rng.uniform(0.4, 0.55),
                shortening=rng.uniform(0.06, 0.13),
                plane=rng.uniform(0.35, 0.58),
                rotation_degrees=(rng.uniform(-4, 0), rng.uniform(3, 10)),
                local=weaker(rng.uniform(0, 360), rng.uniform(30, 65), rng.uniform(1.0, 1.4)),
                turn_degrees=rng.uniform(0, 360),
                reader_mm=rng.uniform(0.15, 0.4),
            )
        )
    return tuple(found)


def mechanical(subjects: range) -> Iterator[KnownSlice]:
    """Subjects of `phantom_test_v2`, from 200 upwards; the first hundred are a frozen test set."""
    if subjects.start < 200:
        raise ValueError("subjects below 200 are reserved")
    for number in subjects:
        try:
            heart = heart_of(number)
        except RuntimeError:
            continue
        yield of_dataset(case_of(number, heart), f"v{number}")


def scans(data: Path) -> Iterator[KnownSlice]:
    """The Bloch-simulated annulus and the swine heart of `real_dense`."""
    for make in (bloch_annulus, swine_heart):
        case = make(data)
        yield of_dataset(case, case.id)


def cohorts(data: Path) -> dict[str, Iterator[KnownSlice]]:
    """All cohorts by name: the first two are for fits, the others for tests."""
    return {
        "fit-randomised": phantoms(range(0, 32), 7301, randomise=True),
        "fit-phantom": phantoms(range(0, 12), 7302, randomise=False),
        "ellipsoid": ellipsoids(HEARTS, 0),
        "ellipsoid-bulge": ellipsoids(bulging_hearts(16, 7305), 1000),
        "mechanical": mechanical(range(200, 212)),
        "phantom": phantoms(range(0, 8), 7303, randomise=False),
        "randomised": phantoms(range(0, 6), 7304, randomise=True),
        "scan": scans(data),
    }


# --- predictions ----------------------------------------------------------------------------------------------------


@torch.inference_mode()
def predicted(known: KnownSlice, model: LoadedModel) -> Predicted:
    """Predict one slice with every factor of `FACTORS`."""
    case, network = known.case, lamod_network(model)
    slice_, reference = case.slices[0], case.reference_frame
    latent, detector = network.motion_latent, network.familiarity
    assert latent is not None and detector is not None
    options = resolve_options(model)
    canonical = to_canonical(slice_, reference)
    coordinates = RingCoordinates.of(canonical.occupancy[0])
    decoded = decoded_slice(network, slice_, canonical, coordinates)
    view = decoded.view.alone()
    told = latent._code_of_contours(view)
    expected = latent.expected(view)
    relative = _samples(network, [decoded], options, 0)[0]
    strains, moved = [], []
    for number, factor in enumerate(FACTORS):
        around = relative if number == AS_IT_IS else relative[:0]
        code = expected + (factor - 1) * latent.share * told
        motion, samples = expected_motion_and_samples(
            decoded.displacement_mm, decoded.canonical_mm, latent.decode(code)[0], around, coordinates, canonical
        )
        answer = SliceMotion(motion.stored(), samples if number == AS_IT_IS else None)
        moved.append(answer.displacement_mm)
        strains.append(slice_strain(slice_, answer, reference, case.rv_insertion_lps))
    own = strains[AS_IT_IS]
    wall = known.valid.any(axis=0)
    truth, valid = known.motion_mm[:, :, wall][..., None], known.valid[:, wall][..., None]
    errors = [endpoint_error(each[:, :, wall][..., None], truth, valid).by_frame for each in moved]
    rarity = detector.rarities(decoded.descriptors[None])
    contours = RingContours.of_masks(canonical.occupancy)
    deviation = (latent.scatter * spread_of(network, decoded)).cpu().numpy()
    return Predicted(
        name=known.name,
        subject=known.subject,
        reference=reference,
        es=end_systole(case),
        phases=canonical.phases,
        measured=known.valid.any(axis=(1, 2)),
        true=known.strain.segment_curves["ecc"],
        std=own.segment_curves_std["ecc"],
        ecc=np.stack([each.segment_curves["ecc"] for each in strains]),
        true_mean=known.strain.global_curves["ecc"],
        mean=np.stack([each.global_curves["ecc"] for each in strains]),
        epe=np.stack(errors),
        wall=wall_of_segments(contours, own.segment, canonical),
        descriptors=decoded.descriptors,
        rarity=np.array([float(each[0]) for each in rarity.values()]),
        limit=float(detector.limit),
        told=(latent.share * told)[0].cpu().numpy() / deviation,
    )


def wall_of_segments(contours: RingContours, segment: Array, canonical: CanonicalSlice) -> Array:
    """The drawn wall of each segment at the slice's frames, [5, S, T].

    Log thickness relative to end-diastole; log radius of the middle of the wall relative to end-diastole; curvature of
    the middle times the mean radius at end-diastole and at the frame; and log length of the middle relative to
    end-diastole, all at fixed angles about the centre of each frame.

    Args:
        contours: contours of the canonical slice.
        segment: labels [H, W] on the slice's own pixels, 0 outside.
        canonical: the slice on the canonical grid.
    """
    in_time = periodic_weights(np.arange(FRAMES) / FRAMES, canonical.phases)
    rows, columns = np.nonzero(segment)
    matrix, offset = affine_2d(canonical.source_grid, canonical.grid)
    xy = np.stack([columns, rows], axis=-1) @ matrix.T + offset
    size = (canonical.occupancy.shape[-1] - 1) / 2
    at = (xy[:, 0] - size) + 1j * (size - xy[:, 1]) - contours.center[0]
    nearest = np.round(np.angle(at) / (2 * np.pi) * CONTOUR_ANGLES).astype(int) % CONTOUR_ANGLES
    share = np.zeros((int(segment.max()), CONTOUR_ANGLES))
    np.add.at(share, (segment[rows, columns] - 1, nearest), 1.0)
    share /= np.maximum(share.sum(axis=1, keepdims=True), 1.0)
    thickness, middle = contours.epi - contours.endo, (contours.epi + contours.endo) / 2
    curvature, length = _curvature(middle)
    usual = middle.mean(axis=1, keepdims=True)
    curved = curvature * usual
    start = np.broadcast_to(curved[:1], curved.shape)
    quantities = [np.log(np.maximum(thickness, 0.5) / np.maximum(thickness[:1], 0.5)), np.log(middle / middle[:1])]
    quantities += [start, curved, np.log(length / length[:1])]
    return np.stack([share @ (in_time @ each).T for each in quantities])


def _curvature(radii: Array) -> tuple[Array, Array]:
    """Curvature (1/mm) and length per angle (mm/rad) of smooth curves r(θ), [T, A]."""
    harmonics = np.fft.rfft(radii, axis=1)
    harmonics[:, _HARMONICS + 1 :] = 0
    order = 1j * np.arange(harmonics.shape[1])
    r, first, second = (np.fft.irfft(harmonics * order**k, n=radii.shape[1], axis=1) for k in range(3))
    length = np.sqrt(r**2 + first**2)
    return (r**2 + 2 * first**2 - r * second) / length**3, length


def stored(folder: Path, cohort: str, slices: Iterator[KnownSlice], model: LoadedModel) -> list[Predicted]:
    """The predictions of a cohort, computed once and stored in a folder."""
    own = folder / cohort
    done = own / "complete"
    if not done.exists():
        own.mkdir(parents=True, exist_ok=True)
        for each in slices:
            path = own / f"{each.name.replace(' ', '-')}.npz"
            if not path.exists():
                predicted(each, model).write(path)
        done.touch()
    return [Predicted.read(path) for path in sorted(own.glob("*.npz"))]
