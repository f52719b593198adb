"""What a synthetic cohort is like, beside what the literature says of people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from LaMoDCore.geometry import Array
from LaMoDCore.phantom.slices import PhantomSlice
from LaMoDCore.phantom.subject import Subject

_ANGLES = np.arange(72) * 2 * np.pi / 72
_DEPTHS = np.array([0.02, 0.25, 0.5, 0.75, 0.98])
_PHASES = np.arange(40) / 40


@dataclass(frozen=True)
class LiteratureRange:
    """Where the mean of a quantity should lie.

    Attributes:
        group: disease; "healthy" means healthy adults.
        quantity: key of ``subject_statistics``.
        title: for the table.
        low, high: range of the mean.
        unit: of all numbers in the row.
        source: who measured it.
    """

    group: str
    quantity: str
    title: str
    low: float
    high: float
    unit: str
    source: str


LITERATURE: tuple[LiteratureRange, ...] = (
    LiteratureRange("healthy", "radius_mid", "Inner radius, mid, ED", 22, 27, "mm", "Petersen 2017; Maceira 2006"),
    LiteratureRange("healthy", "radius_apex_ratio", "Inner radius, apex / mid", 0.6, 0.8, "", "Maceira 2006"),
    LiteratureRange("healthy", "wall_base", "Wall thickness, base, ED", 7, 10, "mm", "Kawel 2012"),
    LiteratureRange("healthy", "wall_mid", "Wall thickness, mid, ED", 6.5, 10, "mm", "Kawel 2012"),
    LiteratureRange("healthy", "end_systole", "End-systole", 32, 42, "% of R–R", "Weissler 1968"),
    LiteratureRange("healthy", "systole_ms", "Length of systole", 300, 350, "ms", "Weissler 1968"),
    LiteratureRange("healthy", "ecc", "Ecc, mean, mid, ES", -0.20, -0.17, "", "Moore 2000; Kim 2004 (DENSE)"),
    LiteratureRange("healthy", "ecc_endo", "Ecc, endocardial, mid, ES", -0.27, -0.20, "", "Moore 2000"),
    LiteratureRange("healthy", "ecc_epi", "Ecc, epicardial, mid, ES", -0.15, -0.10, "", "Moore 2000"),
    LiteratureRange("healthy", "err", "Err, mean, mid, ES", 0.3, 0.6, "", "Moore 2000; Bogaert 2001"),
    LiteratureRange("healthy", "jacobian", "In-plane J, mid, ES", 1.05, 1.35, "", "1/λ_z; masks of real series"),
    LiteratureRange("healthy", "longitudinal", "Longitudinal shortening, ES", 13, 17, "%", "Moore 2000"),
    LiteratureRange("healthy", "displacement", "In-plane displacement, mean, ES", 4, 7, "mm", "Kim 2004 (DENSE)"),
    LiteratureRange("healthy", "rotation_base", "Rotation, base, ES", -5, -2, "° ccw", "Russel 2009; Young 1994"),
    LiteratureRange("healthy", "rotation_apex", "Rotation, apex, ES", 6, 12, "° ccw", "Russel 2009; Young 1994"),
    LiteratureRange("healthy", "shear_apex", "Endo − epi rotation, apex, ES", 1, 5, "° ccw", "Buchalter 1990"),
    LiteratureRange("dcm", "radius_mid", "Inner radius, mid, ED", 28, 38, "mm", "Young 2001"),
    LiteratureRange("dcm", "ecc", "Ecc, mean, mid, ES", -0.12, -0.05, "", "Young 2001"),
    LiteratureRange("hcm", "wall_max", "Largest wall thickness, ED", 13, 20, "mm", "Maron 2009"),
    LiteratureRange("hcm", "ecc_thickest", "Ecc of the thickest sector, ES", -0.14, -0.04, "", "Young 1994"),
    LiteratureRange("infarct", "ecc_lesion", "Ecc, middle of the scar, ES", -0.10, 0.03, "", "Bogaert 2000"),
    LiteratureRange("infarct", "ecc_remote", "Ecc, remote sector, ES", -0.20, -0.14, "", "Bogaert 2000"),
    LiteratureRange("infarct", "lesion_deg", "Extent of the scar", 60, 120, "°", "territories, Cerqueira 2002"),
    LiteratureRange("lbbb", "septal_flash", "Subjects with septal flash and rebound", 0.5, 1, "", "Leenders 2012"),
    LiteratureRange("lbbb", "lateral_delay_ms", "Lateral activation after septal", 60, 130, "ms", "Auger 2017 (DENSE)"),
    LiteratureRange("stiff", "wall_mid", "Wall thickness, mid, ED", 8, 12, "mm", "Nagel 2000"),
    LiteratureRange("dyskinesia", "ecc_lesion_peak", "Largest Ecc of the aneurysm", 0.0, 0.2, "", "Bogaert 2000"),
)


def subject_statistics(subject: Subject) -> dict[str, float]:
    """Anatomy and function of one subject, as numbers a paper would give; strains and J are fractions."""
    base, mid, _, apex = subject.slices()
    es = subject.timing.end_systole
    strain = mid.strain([es], _wall_points(mid))
    weight = _area_weight(mid)
    moved = np.linalg.norm(mid.displacement_mm([es], _wall_points(mid))[0], axis=-1)
    theta = np.mod(np.rad2deg(_ANGLES - mid.parameters.shape.insertion_angle), 360)
    curve = mid.strain(_PHASES, _wall_points(mid)[2]).ecc
    at_es = strain.ecc[0].mean(0)
    shapes = [plane.parameters.shape for plane in (base, mid, apex)]
    walls = [shape.epi(_ANGLES) - shape.endo(_ANGLES) for shape in shapes]
    jacobian = float((strain.jacobian[0] * weight).sum())
    values = {
        "rr_ms": subject.rr_ms,
        "radius_base": float(shapes[0].endo.mean),
        "radius_mid": float(shapes[1].endo.mean),
        "radius_apex": float(shapes[2].endo.mean),
        "radius_apex_ratio": float(shapes[2].endo.mean / shapes[1].endo.mean),
        "wall_base": float(walls[0].mean()),
        "wall_mid": float(walls[1].mean()),
        "wall_apex": float(walls[2].mean()),
        "wall_max": float(max(_smoothed(wall).max() for wall in walls)),
        "end_systole": 100 * es,
        "systole_ms": es * subject.rr_ms,
        "ecc": float((strain.ecc[0] * weight).sum()),
        "ecc_endo": float(strain.ecc[0, 0].mean()),
        "ecc_epi": float(strain.ecc[0, -1].mean()),
        "err": float((strain.err[0] * weight).sum()),
        "jacobian": jacobian,
        "longitudinal": 100 * (1 - subject.volume_ratio / jacobian),
        "displacement": float((moved * weight).sum()),
        "rotation_base": base.parameters.rotation_epi_deg,
        "rotation_mid": mid.parameters.rotation_epi_deg,
        "rotation_apex": apex.parameters.rotation_epi_deg,
        "shear_apex": apex.parameters.rotation_endo_deg - apex.parameters.rotation_epi_deg,
        "ecc_thickest": float(at_es[np.argmax(_smoothed(walls[1]))]),
    }
    if subject.disease in ("infarct", "dyskinesia"):
        values.update(_lesion_statistics(subject))
    if subject.disease == "lbbb":
        septum, lateral = np.abs(theta - 58) < 35, np.abs(theta - 238) < 35
        septal = curve[:, septum].mean(1)
        flash = int(np.argmin(septal[: int(40 * 0.45 * es) + 1]))
        rebound = septal[flash : int(40 * es) + 1].max() - septal[flash]
        values["septal_flash"] = float(septal[flash] < -0.01 and rebound > 0.01)
        delay = mid.activation_ms(_ANGLES)
        values["lateral_delay_ms"] = float(delay[lateral].mean() - delay[septum].mean())
        values["lateral_peak"] = float(curve[:, lateral].mean(1).min())
    return values


def _lesion_statistics(subject: Subject) -> dict[str, float]:
    """Of the plane where the lesion is largest."""
    plane = min(subject.slices(), key=lambda p: float(p.parameters.function.active.min()))
    es = subject.timing.end_systole
    curve = plane.strain(_PHASES, _wall_points(plane)[2]).ecc
    at_es = plane.strain([es], _wall_points(plane)).ecc[0].mean(0)
    active = plane.parameters.function.active
    center = round(int(np.argmin(active)) * len(_ANGLES) / active.size) % len(_ANGLES)
    around = np.abs(np.angle(np.exp(1j * (_ANGLES - _ANGLES[center]))))
    best = np.quantile(active, 0.8)
    halfway = 0.5 * (active.min() + best)
    return {
        "ecc_lesion": float(at_es[around < np.deg2rad(16)].mean()),
        "ecc_lesion_peak": float(curve[: int(40 * es) + 1, around < np.deg2rad(16)].mean(1).max()),
        "ecc_remote": float(at_es[around > np.deg2rad(120)].mean()),
        "lesion_deg": 360.0 * float((active < halfway).mean()),
    }


def cohort_table(rows: Sequence[tuple[Subject, Mapping[str, float]]]) -> str:
    """A Markdown table: mean, 5th–95th percentile, the literature's range, and whether the mean lies inside.

    Args:
        rows: subjects with their ``subject_statistics``. Children are left out, as the literature's are adults.
    """
    lines = [
        "| group | quantity | subjects | mean | 5 %–95 % | literature | inside | source |",
        "| --- | --- | ---: | ---: | ---: | ---: | --- | --- |",
    ]
    for entry in LITERATURE:
        values = np.array(
            [
                v[entry.quantity]
                for s, v in rows
                if s.disease == entry.group and s.build != "child" and entry.quantity in v
            ]
        )
        if values.size == 0:
            continue
        mean, (low, high) = float(values.mean()), np.quantile(values, [0.05, 0.95])
        inside = "yes" if entry.low <= mean <= entry.high else "**no**"
        digits = 3 if abs(entry.high) <= 0.7 else (2 if abs(entry.high) < 2 else 1)
        unit = f" {entry.unit}" if entry.unit else ""
        measured = f"{mean:.{digits}f}{unit} | {low:.{digits}f} … {high:.{digits}f}"
        lines.append(
            f"| {entry.group} | {entry.title} | {values.size} | {measured} "
            f"| {entry.low:g} … {entry.high:g} | {inside} | {entry.source} |"
        )
    return "\n".join(lines) + "\n"


def _wall_points(plane: PhantomSlice) -> Array:
    """[5, 72, 2]: depths from endo- to epicardium, angles."""
    endo, epi = plane.parameters.shape.endo(_ANGLES), plane.parameters.shape.epi(_ANGLES)
    radius = endo + _DEPTHS[:, None] * (epi - endo)
    return np.stack([radius * np.cos(_ANGLES), -radius * np.sin(_ANGLES)], -1)


def _area_weight(plane: PhantomSlice) -> Array:
    """[5, 72]: area around each of these points, adding up to 1."""
    endo, epi = plane.parameters.shape.endo(_ANGLES), plane.parameters.shape.epi(_ANGLES)
    radius = endo + _DEPTHS[:, None] * (epi - endo)
    weight = radius * (epi - endo) * np.array([0.135, 0.24, 0.25, 0.24, 0.135])[:, None]
    return np.asarray(weight / weight.sum())


def _smoothed(wall: Array) -> Array:
    """Mean over 30° of the ring, as a reader measures thickness."""
    return np.asarray(np.mean([np.roll(wall, k) for k in range(-3, 4)], 0))
