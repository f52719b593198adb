"""Statistics of a synthetic cohort compared with published values in humans."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from LaMoDCore.heart.geometry import Array
from LaMoDCore.phantom.cohort.recipe import DEFAULT_TRABECULAE_MM
from LaMoDCore.phantom.heart.slices import PhantomSlice
from LaMoDCore.phantom.heart.subject import Subject
from LaMoDCore.phantom.imaging.reader_model import draw_reader_style, drawn_frames

_ANGLES = np.arange(72) * 2 * np.pi / 72
_DEPTHS = np.array([0.02, 0.25, 0.5, 0.75, 0.98])
_PHASES = np.arange(40) / 40


@dataclass(frozen=True)
class LiteratureRange:
    """The range in which the mean of a quantity should lie.

    Attributes:
        group: disease; "healthy" means healthy adults.
        quantity: key of ``subject_statistics``.
        title: name in the table.
        low, high: range of the mean.
        unit: unit of all numbers in the row.
        source: who measured it, see ``SOURCES``, or that no measurement was checked.
    """

    group: str
    quantity: str
    title: str
    low: float
    high: float
    unit: str
    source: str


#: A number of this project's own notes on the field; no primary source was checked.
_NOTES = "project notes"
#: An assumption.
_ASSUMED = "not verified"

LITERATURE: tuple[LiteratureRange, ...] = (
    LiteratureRange("healthy", "radius_mid", "Inner radius, mid, ED", 22, 27, "mm", _NOTES),
    LiteratureRange("healthy", "radius_apex_ratio", "Inner radius, apex / mid", 0.6, 0.8, "", _NOTES),
    LiteratureRange("healthy", "wall_base", "Wall thickness, base, ED", 7, 10, "mm", _NOTES),
    LiteratureRange("healthy", "wall_mid", "Wall thickness, mid, ED", 7, 10, "mm", _NOTES),
    LiteratureRange("healthy", "wall_mid_drawn", "Wall as drawn, mid, ED", 5.3, 6.3, "mm", "Kawel 2012"),
    LiteratureRange(
        "healthy",
        "area_gain_drawn",
        "Wall area as drawn, mid, ES / ED",
        1.2,
        1.8,
        "",
        "manual contours of nine patients",
    ),
    LiteratureRange("healthy", "end_systole", "End-systole", 32, 42, "% of R–R", _NOTES),
    LiteratureRange("healthy", "systole_ms", "Length of systole", 300, 350, "ms", _NOTES),
    LiteratureRange("healthy", "ecc", "Ecc, mean, mid, ES", -0.195, -0.17, "", "Zhong 2010; Mangion 2016"),
    LiteratureRange("healthy", "ecc_endo", "Ecc, endocardial, mid, ES", -0.27, -0.20, "", _NOTES),
    LiteratureRange("healthy", "ecc_epi", "Ecc, epicardial, mid, ES", -0.15, -0.10, "", _NOTES),
    LiteratureRange("healthy", "err", "Err, mean, mid, ES", 0.33, 0.58, "", "Zhong 2010; Bogaert 2001"),
    LiteratureRange("healthy", "jacobian", "In-plane J, mid, ES", 1.05, 1.35, "", _NOTES),
    LiteratureRange("healthy", "longitudinal", "Longitudinal shortening, ES", 10.5, 17, "%", "Mangion 2016; notes"),
    LiteratureRange("healthy", "displacement", "In-plane displacement, mean, ES", 4, 7, "mm", _NOTES),
    LiteratureRange("healthy", "rotation_base", "Rotation, base, ES", -5, -2, "° ccw", "Young 2012; project notes"),
    LiteratureRange("healthy", "rotation_apex", "Rotation, apex, ES", 6, 12, "° ccw", "Young 2012; project notes"),
    LiteratureRange("healthy", "shear_apex", "Endo − epi rotation, apex, ES", 1, 5, "° ccw", _ASSUMED),
    LiteratureRange("dcm", "radius_mid", "Inner radius, mid, ED", 28, 38, "mm", _NOTES),
    LiteratureRange("dcm", "ecc", "Ecc, mean, mid, ES", -0.12, -0.05, "", "Csecs 2020; project notes"),
    LiteratureRange("hcm", "wall_max", "Largest wall thickness, ED", 13, 20, "mm", "Soler 2018; project notes"),
    LiteratureRange("hcm", "ecc_thickest", "Ecc of the thickest sector, ES", -0.16, -0.08, "", "Kramer 1994"),
    LiteratureRange("infarct", "ecc_lesion", "Ecc, middle of the scar, ES", -0.15, 0.03, "", "Podlesnikar 2020; notes"),
    LiteratureRange("infarct", "ecc_remote", "Ecc, remote sector, ES", -0.20, -0.14, "", "Podlesnikar 2020; notes"),
    LiteratureRange("infarct", "lesion_deg", "Extent of the scar", 60, 120, "°", _NOTES),
    LiteratureRange("lbbb", "septal_flash", "Subjects with septal flash and rebound", 0.45, 1, "", "see below"),
    LiteratureRange("lbbb", "lateral_delay_ms", "Lateral activation after septal", 50, 130, "ms", "Auger 2017; notes"),
    LiteratureRange("stiff", "wall_mid", "Wall thickness, mid, ED", 8, 12, "mm", _ASSUMED),
    LiteratureRange("dyskinesia", "ecc_lesion_peak", "Largest Ecc of the aneurysm", 0.0, 0.2, "", _ASSUMED),
)

#: The sources named in the table; the number given for each is stated in its abstract.
SOURCES: tuple[str, ...] = (
    "Kawel et al., Circ Cardiovasc Imaging 5:500, 2012: mean thickness at mid-cavity, short axis, of 300 participants "
    "free of cardiac disease: 5.3 ± 0.9 mm (women), 6.3 ± 1.1 mm (men).",
    "Zhong et al., Magn Reson Med 64:1089, 2010: 3-D cine DENSE of 5 volunteers, mid-wall at mid level at "
    "end-systole: Ecc −0.17 ± 0.02, Err 0.33 ± 0.10, longitudinal −0.16 ± 0.02.",
    "Mangion et al., J Magn Reson Imaging 44:1197, 2016: cine DENSE of 89 healthy adults: global circumferential "
    "strain −0.195 ± 0.026 at 1.5 T, −0.185 ± 0.026 at 3 T; longitudinal −0.125 ± 0.032 and −0.105 ± 0.031.",
    "Bogaert and Rademakers, Am J Physiol Heart, 2001: tagging of 87 healthy adults: the wall thickens by 33 % "
    "(posterior) to 47 % (anterior), that is Err 0.38 to 0.58.",
    "Young and Cowan, J Cardiovasc Magn Reson 14:49, 2012: rotation at end-systole about 3° clockwise at base and 10° "
    "counter-clockwise at apex.",
    "Csecs et al., J Am Heart Assoc 9:e016797, 2020: non-ischaemic cardiomyopathy with ejection fraction 30–35 %: "
    "global circumferential strain −0.079 ± 0.035 and −0.097 ± 0.044, by feature tracking.",
    "Soler et al., Insights Imaging 9:1007, 2018: hypertrophic cardiomyopathy is diagnosed from 15 mm, in relatives "
    "from 13 mm.",
    "Kramer et al., Circulation 90:186, 1994: tagging of 10 patients with hypertrophic cardiomyopathy: the septum "
    "shortens by 13 ± 5 %, that is Ecc −0.12, with one SD −0.16 to −0.08 (24 ± 6 % in health).",
    "Podlesnikar et al., J Cardiovasc Magn Reson, 2020: anterior infarction, feature tracking: infarct zone "
    "−0.086 ± 0.090 after a week and −0.145 ± 0.080 after six months, remote −0.195 ± 0.059.",
    "Auger et al., J Magn Reson Imaging, 2017: cine DENSE: latest onset of shortening 112 ± 28 ms in heart failure "
    "before resynchronisation, 61 ± 7 ms in health.",
    "Endo − epi rotation is not verified: Tavakoli and Sahba, Cardiovasc Diagn Ther, found by 3-D tagging 1.7° between "
    "the twist of endocardium and epicardium (12.1 ± 2.6°, 10.4 ± 2.6°) in people of 21–35 years, less than here.",
    "Septal flash: 45 % of 104 patients with LBBB (Europace 19:103, 2017), 24 of 44 (Li et al. 2017), 72 % of new "
    "blocks after valve replacement (Int J Cardiovasc Imaging, 2020). The phantom's LBBB are those with it.",
)


def subject_statistics(subject: Subject) -> dict[str, float]:
    """Anatomy and function of one subject as papers report them; strains and J are fractions."""
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
    values.update(_drawn_statistics(mid))
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


def _drawn_statistics(plane: PhantomSlice) -> dict[str, float]:
    """Statistics of the wall as drawn by a random reader."""
    rng = np.random.default_rng([62, plane.subject.seed])
    style = draw_reader_style(rng, DEFAULT_TRABECULAE_MM)
    drawn, _ = drawn_frames(plane, style, rng, np.array([0.0, plane.subject.timing.end_systole]))
    area = (drawn.epi**2 - drawn.endo**2).mean(1)
    return {
        "wall_mid_drawn": float((drawn.epi[0] - drawn.endo[0]).mean()),
        "area_gain_drawn": float(area[1] / area[0]),
    }


def _lesion_statistics(subject: Subject) -> dict[str, float]:
    """Statistics of the plane with the strongest lesion."""
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
    """A Markdown table: mean, 5th–95th percentile, range in the literature, whether the mean is inside; sources.

    Args:
        rows: subjects with their ``subject_statistics``. Children are left out because the literature is on adults.
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
    notes = [
        f"«{_NOTES}» (notes): a number of the project's own notes on the field, whose primary source was not checked. "
        f"«{_ASSUMED}»: an assumption."
    ]
    return "\n".join([*lines, "", *(f"- {source}" for source in (*SOURCES, *notes))]) + "\n"


def _wall_points(plane: PhantomSlice) -> Array:
    """[5, 72, 2]: depths from endo- to epicardium, angles."""
    endo, epi = plane.parameters.shape.endo(_ANGLES), plane.parameters.shape.epi(_ANGLES)
    radius = endo + _DEPTHS[:, None] * (epi - endo)
    return np.stack([radius * np.cos(_ANGLES), -radius * np.sin(_ANGLES)], -1)


def _area_weight(plane: PhantomSlice) -> Array:
    """[5, 72]: weight of the area around each of these points; the sum is 1."""
    endo, epi = plane.parameters.shape.endo(_ANGLES), plane.parameters.shape.epi(_ANGLES)
    radius = endo + _DEPTHS[:, None] * (epi - endo)
    weight = radius * (epi - endo) * np.array([0.135, 0.24, 0.25, 0.24, 0.135])[:, None]
    return np.asarray(weight / weight.sum())


def _smoothed(wall: Array) -> Array:
    """Moving average of the thickness over 30° of the ring, as readers measure it."""
    return np.asarray(np.mean([np.roll(wall, k) for k in range(-3, 4)], 0))
