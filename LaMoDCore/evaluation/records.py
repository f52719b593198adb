"""Compare one method's motion of one case with the truth: the records from which the tables are compiled."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from LaMoDCore.evaluation.displacement import endpoint_error
from LaMoDCore.evaluation.scoring import coverage, crps, energy_score
from LaMoDCore.evaluation.truth import Truth
from LaMoDCore.heart.case import Case, CineSlice, Motion, SliceMotion, SliceStrain
from LaMoDCore.heart.geometry import Array
from LaMoDCore.io.dataset.folder import DatasetEntry
from LaMoDCore.strain import end_systole, slice_strain
from LaMoDCore.strain.curves import Cycle, heart_cycle, peak, slice_cycle
from LaMoDCore.strain.summary import MIN_STRETCH
from LaMoDCore.uncertainty.calibration import Calibration
from LaMoDCore.uncertainty.intervals import calibrated

#: A truth from the same scan is compared pixel by pixel; one from a paired scan of the plane, segment by segment.
OWN, PAIRED = "own", "paired"
_NAN = float("nan")


@dataclass(frozen=True)
class CaseRecord:
    """Errors of one method on one case; lengths in mm, strains as fractions, NaN where not defined.

    Attributes:
        id, subject, site, disease, level, cohort: as in the dataset.
        truth: "own" or "paired".
        model: the method.
        failed: the reason of a failure; the errors are then those of no motion.
        epe_mm: endpoint error over all frames but the reference.
        epe_es_mm: endpoint error at end-systole of the truth.
        motion_es_mm: mean true displacement at end-systole.
        missing: fraction of the true pixels without a prediction.
        ecc_error, err_error: mean over the segments of |predicted − true| at end-systole.
        ecc_error_drawn: Ecc error with predicted strain on the wall as drawn.
        ecc_peak_error: the same for the segments' peaks.
        ecc_pixel_error: mean over the pixels of the true wall of |Ecc error| at end-systole.
        gcs, gcs_true: mean Ecc of the whole wall (as drawn, true) at end-systole.
        gcs_peak, gcs_peak_true: minimum of the mean Ecc over the acquired cycle.
        gcs_time_ms, gcs_time_ms_true: time from end-diastole to that minimum.
        grs, grs_true: mean Err of the whole wall at end-systole.
        es_shift: the method's end-systolic frame minus the truth's, in fractions of the cycle (paired only).
        folded: fraction of wall pixels and frames with det F ≤ 0.
        energy_score_mm: energy score of displacement at end-systole, mean over the wall (several samples only).
        ecc_crps: CRPS of segmental Ecc at end-systole.
        ecc_coverage, ecc_coverage_due: actual and expected fraction of true segmental Ecc within the samples.
        seconds: time to predict the motion.
    """

    id: str
    subject: str
    site: str
    disease: str
    level: str
    cohort: str
    truth: str
    model: str
    failed: str = ""
    epe_mm: float = _NAN
    epe_es_mm: float = _NAN
    motion_es_mm: float = _NAN
    missing: float = _NAN
    ecc_error: float = _NAN
    err_error: float = _NAN
    ecc_peak_error: float = _NAN
    ecc_pixel_error: float = _NAN
    ecc_error_drawn: float = _NAN
    gcs: float = _NAN
    gcs_true: float = _NAN
    gcs_peak: float = _NAN
    gcs_peak_true: float = _NAN
    gcs_time_ms: float = _NAN
    gcs_time_ms_true: float = _NAN
    grs: float = _NAN
    grs_true: float = _NAN
    es_shift: float = _NAN
    folded: float = _NAN
    energy_score_mm: float = _NAN
    ecc_crps: float = _NAN
    ecc_coverage: float = _NAN
    ecc_coverage_due: float = _NAN
    seconds: float = _NAN


@dataclass(frozen=True)
class SegmentRecord:
    """One segment of one slice, predicted and true; strains are fractions.

    Attributes:
        id, subject, truth, model: as in `CaseRecord`.
        slice, segment, aha, name: number of the slice from 1, of the segment from 1, AHA number, name.
        ecc, err: strain at end-systole.
        ecc_peak: minimum over the acquired cycle.
        ecc_std: standard deviation of Ecc over the samples.
        time_ms: time from end-diastole to peak Ecc; NaN for a segment that stretches more than it shortens.
        ecc_half_width: half the calibrated interval of Ecc at end-systole; NaN without calibrated samples.
    """

    id: str
    subject: str
    truth: str
    model: str
    slice: int
    segment: int
    aha: int | None
    name: str
    ecc: float
    ecc_true: float
    err: float
    err_true: float
    ecc_peak: float
    ecc_peak_true: float
    ecc_std: float
    time_ms: float = _NAN
    time_ms_true: float = _NAN
    ecc_half_width: float = _NAN


@dataclass(frozen=True, eq=False)
class CaseComparison:
    """A method's motion and strain of a case, with the records of their errors."""

    case: CaseRecord
    segments: tuple[SegmentRecord, ...]
    motion: Motion
    strains: tuple[SliceStrain, ...] = field(default=())


def compare(
    entry: DatasetEntry,
    model: str,
    case: Case,
    motion: Motion,
    truth: Truth,
    *,
    kind: str = OWN,
    seconds: float = _NAN,
    failed: str = "",
    calibration: Calibration | None = None,
) -> CaseComparison:
    """Compare a predicted motion with the truth.

    With a truth from the same scan, predicted and true strain are computed on the same pixels, those of the true wall,
    at the truth's end-systole, so that only the motion differs. Strain on the wall as drawn, as `lamod predict` reports
    it, is recorded in addition. With a paired truth, each scan has its own wall and end-systole.

    Args:
        entry: the case's entry in the dataset.
        model: name of the method.
        case: the input of the method.
        motion: its prediction.
        truth: truth of this case, or of the paired case.
        kind: `OWN` or `PAIRED`.
        seconds: time to predict the motion.
        failed: reason of a failure, if `motion` replaces a missing prediction.
        calibration: calibration of the method's samples, for its intervals.
    """
    drawn = _strains(case, motion)
    if kind == OWN:
        measured, es = _strains(truth.case, motion), truth.es_frame
    else:
        measured, es = drawn, end_systole(case)
    segments = _segments(entry, model, kind, case, measured, truth, es, calibration)
    values = {
        "ecc_error": _mean_gap(segments, "ecc"),
        "err_error": _mean_gap(segments, "err"),
        "ecc_peak_error": _mean_gap(segments, "ecc_peak"),
        "ecc_error_drawn": _mean_gap(_segments(entry, model, kind, case, drawn, truth, es, None), "ecc"),
        "gcs": _whole(case, drawn, es),
        "gcs_true": _whole(truth.case, truth.strains, truth.es_frame),
        "gcs_peak": _whole_peak(case, drawn),
        "gcs_peak_true": _whole_peak(truth.case, truth.strains),
        "gcs_time_ms": _whole_time(case, drawn, es),
        "gcs_time_ms_true": _whole_time(truth.case, truth.strains, truth.es_frame),
        "grs": _whole(case, drawn, es, "err"),
        "grs_true": _whole(truth.case, truth.strains, truth.es_frame, "err"),
        "folded": _folded(drawn),
        "seconds": seconds,
    }
    if kind == OWN:
        values |= _pixelwise(motion, measured, truth)
        values |= _sampled(motion, truth)
    else:
        values["es_shift"] = float(case.slices[0].phases[es] - truth.case.slices[0].phases[truth.es_frame])
    record = CaseRecord(
        id=entry.id,
        subject=entry.subject,
        site=entry.site,
        disease=entry.disease,
        level=entry.level,
        cohort=entry.cohort,
        truth=kind,
        model=model,
        failed=failed,
        **values,
    )
    return CaseComparison(record, tuple(segments), motion, drawn)


def _strains(case: Case, motion: Motion) -> tuple[SliceStrain, ...]:
    return tuple(
        slice_strain(slice_, each, case.reference_frame, case.rv_insertion_lps)
        for slice_, each in zip(case.slices, motion.slices, strict=True)
    )


def _segments(
    entry: DatasetEntry,
    model: str,
    kind: str,
    case: Case,
    strains: tuple[SliceStrain, ...],
    truth: Truth,
    es: int,
    calibration: Calibration | None,
) -> list[SegmentRecord]:
    rows = []
    for z, (found, known) in enumerate(zip(strains, truth.strains, strict=False)):
        if found.segment_names != known.segment_names:
            continue
        acquired = truth.case.slices[z].valid_frames
        every = acquired if kind == OWN else np.ones(found.segment_curves["ecc"].shape[1], dtype=bool)
        course = slice_cycle(replace(case.slices[z], valid_frames=every), case.reference_frame, es)
        true_course = slice_cycle(truth.case.slices[z], truth.case.reference_frame, truth.es_frame)
        half_width = _half_width(found, case, z, es, calibration)
        for s, (name, aha) in enumerate(zip(found.segment_names, found.segment_aha, strict=True)):
            ecc, ecc_true = found.segment_curves["ecc"][s], known.segment_curves["ecc"][s]
            spread = found.segment_curves_std
            rows.append(
                SegmentRecord(
                    id=entry.id,
                    subject=entry.subject,
                    truth=kind,
                    model=model,
                    slice=z + 1,
                    segment=s + 1,
                    aha=aha,
                    name=name,
                    ecc=float(ecc[es]),
                    ecc_true=float(ecc_true[truth.es_frame]),
                    err=float(found.segment_curves["err"][s][es]),
                    err_true=float(known.segment_curves["err"][s][truth.es_frame]),
                    ecc_peak=_minimum(ecc, every),
                    ecc_peak_true=_minimum(ecc_true, acquired),
                    ecc_std=float(spread["ecc"][s][es]) if spread else _NAN,
                    time_ms=_time_to_peak(ecc, course),
                    time_ms_true=_time_to_peak(ecc_true, true_course),
                    ecc_half_width=_NAN if half_width is None else float(half_width[s]),
                )
            )
    return rows


def _half_width(strain: SliceStrain, case: Case, z: int, es: int, calibration: Calibration | None) -> Array | None:
    """Half the calibrated interval of segmental Ecc at end-systole; None without calibrated samples."""
    if calibration is None or not strain.segment_curves_std:
        return None
    deviations = calibrated(strain, case.slices[z], case.reference_frame, calibration).segment_curves_std["ecc"]
    return np.asarray(calibration.half_width * deviations[:, es])


def _time_to_peak(curve: Array, course: Cycle) -> float:
    """Time to peak shortening in ms; NaN for a curve that stretches more than it shortens, as in strain.json."""
    shortening, stretch = peak(curve, course), peak(curve, course, "thickening", systolic=True)
    return _NAN if stretch.value > max(-shortening.value, MIN_STRETCH) else shortening.time_ms


def _mean_gap(rows: list[SegmentRecord], name: str) -> float:
    gaps = np.array([abs(getattr(row, name) - getattr(row, f"{name}_true")) for row in rows])
    known = gaps[np.isfinite(gaps)]
    return float(known.mean()) if known.size else _NAN


def _pixelwise(motion: Motion, strains: tuple[SliceStrain, ...], truth: Truth) -> dict[str, float]:
    """Errors averaged over the pixels of all slices."""
    totals: dict[str, list[float]] = {
        "epe_mm": [],
        "epe_es_mm": [],
        "motion_es_mm": [],
        "missing": [],
        "ecc_pixel_error": [],
    }
    weights = []
    es = truth.es_frame
    for predicted, found, known, valid, true_strain in zip(
        motion.slices, strains, truth.motions, truth.valid, truth.strains, strict=True
    ):
        error = endpoint_error(
            predicted.displacement_mm, known.displacement_mm, valid, reference_frame=truth.case.reference_frame
        )
        wall = true_strain.myocardium & np.isfinite(true_strain.fields["ecc"][es])
        ecc = np.nan_to_num(found.fields["ecc"][es][wall])
        totals["epe_mm"].append(error.mean)
        totals["epe_es_mm"].append(error.by_frame[es])
        totals["motion_es_mm"].append(error.motion_by_frame[es])
        totals["missing"].append(error.missing)
        totals["ecc_pixel_error"].append(np.abs(ecc - true_strain.fields["ecc"][es][wall]).mean())
        weights.append(wall.sum())
    return {name: float(np.average(values, weights=weights)) for name, values in totals.items()}


def _sampled(motion: Motion, truth: Truth) -> dict[str, float]:
    """Scores of the samples as a distribution; empty if there is only one sample."""
    if any(each.samples_mm is None or len(each.samples_mm) < 2 for each in motion.slices):
        return {}
    es = truth.es_frame
    scores, segment_samples, segment_truth = [], [], []
    for z, (predicted, known, valid, true_strain) in enumerate(
        zip(motion.slices, truth.motions, truth.valid, truth.strains, strict=True)
    ):
        assert predicted.samples_mm is not None
        at_es = predicted.samples_mm[:, es]
        here = valid[es]
        scores.append(energy_score(np.moveaxis(at_es[:, :, here], 1, -1), known.displacement_mm[es][:, here].T))
        segment_samples.append(_segment_samples(truth.case, z, at_es))
        segment_truth.append(true_strain.segment_curves["ecc"][:, es])
    ecc, ecc_true = np.concatenate(segment_samples, axis=1), np.concatenate(segment_truth)
    defined = np.isfinite(ecc_true) & np.isfinite(ecc).all(axis=0)
    share, due = coverage(ecc, ecc_true)
    return {
        "energy_score_mm": float(np.concatenate(scores).mean()),
        "ecc_crps": float(crps(ecc[:, defined], ecc_true[defined]).mean()) if defined.any() else _NAN,
        "ecc_coverage": share,
        "ecc_coverage_due": due,
    }


def _segment_samples(case: Case, z: int, samples_mm: Array) -> Array:
    """Segmental Ecc [N, S] of samples [N, 2, H, W] at one time.

    The samples are passed to the strain code as the frames of one slice, so that its fit is solved only once.
    """
    slice_, count = case.slices[z], len(samples_mm)
    wall = slice_.myocardium[case.reference_frame]
    frames = CineSlice(
        name=slice_.name,
        grid=slice_.grid,
        myocardium=np.broadcast_to(wall, (count, *wall.shape)),
        frame_times_ms=np.arange(count, dtype=np.float64),
        rr_ms=float(count),
        level=slice_.level,
    )
    strain = slice_strain(frames, SliceMotion(samples_mm), 0, case.rv_insertion_lps)
    return np.asarray(strain.segment_curves["ecc"]).T


def _whole_curve(case: Case, strains: tuple[SliceStrain, ...], name: str = "ecc") -> Array:
    areas = [s.myocardium.sum() * np.prod(c.grid.spacing_mm) for c, s in zip(case.slices, strains, strict=True)]
    return np.asarray(np.average([s.global_curves[name] for s in strains], axis=0, weights=areas))


def _whole(case: Case, strains: tuple[SliceStrain, ...], frame: int, name: str = "ecc") -> float:
    return float(_whole_curve(case, strains, name)[frame])


def _whole_time(case: Case, strains: tuple[SliceStrain, ...], es: int) -> float:
    return _time_to_peak(_whole_curve(case, strains), heart_cycle(case, es))


def _whole_peak(case: Case, strains: tuple[SliceStrain, ...]) -> float:
    return _minimum(_whole_curve(case, strains), case.slices[0].valid_frames)


def _minimum(curve: Array, acquired: Array) -> float:
    known = curve[acquired & np.isfinite(curve)]
    return float(known.min()) if known.size else _NAN


def _folded(strains: tuple[SliceStrain, ...]) -> float:
    values = np.concatenate([s.fields["jacobian"][:, s.myocardium].ravel() for s in strains])
    known = values[np.isfinite(values)]
    return float((known <= 0).mean()) if known.size else _NAN
