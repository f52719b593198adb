"""Mutation tests: insert mistakes into the mathematics of a copy of LaMoDCore; a test must catch each of them.

    python -m experiments.robustness.mutations [--only WORD]

Prints a Markdown table; exit status 1 if a mistake was not caught. Needs an operating system that can fork.
"""

from __future__ import annotations

import argparse
import io
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

from experiments.paths import ROOT


@dataclass(frozen=True)
class Mutation:
    """One mistake.

    Attributes:
        what: description.
        file: path in LaMoDCore.
        right, wrong: text that occurs once in the file, and its replacement.
        test: test under Testing/Core that must fail.
    """

    what: str
    file: str
    right: str
    wrong: str
    test: str


LDDMM, STRAIN = "lddmm/test_epdiff.py::", "strain/test_tensor.py::"
POINTS, NOISE = "lddmm/test_particles.py::", "diffusion/test_diffusion.py::"
CURVES, SEGMENTS = "strain/test_curves_and_indices.py::", "strain/test_segments.py::"
MUTATIONS = (
    Mutation("momentum without its density", "lddmm/epdiff.py",
             "weighted_x, weighted_y = area * carried[:, 0], area * carried[:, 1]",
             "weighted_x, weighted_y = carried[:, 0], carried[:, 1]",
             LDDMM + "test_energy_is_constant_along_the_geodesic"),
    Mutation("sign of the inverse's motion", "lddmm/epdiff.py",
             "return self._sample(field, forward), -turn", "return self._sample(field, forward), turn",
             LDDMM + "test_inverse_undoes_forward"),
    Mutation("Adams–Bashforth with Euler's weight", "lddmm/epdiff.py", "1.5 * dt), before, -0.5 * dt",
             "1.0 * dt), before, -0.0 * dt", LDDMM + "test_time_error_falls_with_the_integrators_order"),
    Mutation("dt of Runge–Kutta", "lddmm/epdiff.py", "(forward, inverse), dt / 6)", "(forward, inverse), dt / 5)",
             LDDMM + "test_time_error_falls_with_the_integrators_order"),
    Mutation("sign in det Dφ", "lddmm/differences.py", "- along_y[:, 0] * along_x[:, 1]",
             "+ along_y[:, 0] * along_x[:, 1]", "lddmm/test_warp.py::test_area_of_an_affine_map"),
    Mutation("derivative halved", "lddmm/differences.py", "near.mul_(2 / (3 * step))",
             "near.mul_(1 / (3 * step))", LDDMM + "test_inverse_undoes_forward"),
    Mutation("x and y swapped in warping", "lddmm/warp.py", "x = column + displacement_mm[:, 0] / spacing_mm[0]",
             "x = column + displacement_mm[:, 1] / spacing_mm[0]",
             "lddmm/test_warp.py::test_image_is_sampled_at_x_plus_displacement_in_mm"),
    Mutation("α doubled in L", "lddmm/metric.py", "across = metric.alpha * laplacian + metric.gamma",
             "across = 2 * metric.alpha * laplacian + metric.gamma",
             "lddmm/test_metric.py::test_operator_is_minus_alpha_laplacian_minus_beta_grad_div_plus_gamma"),
    Mutation("sign of the force on points", "lddmm/particles.py", "-torch.stack(((product * slope_x)",
             "torch.stack(((product * slope_x)", POINTS + "test_energy_is_constant_along_a_path_of_points"),
    Mutation("constant of the Green's function", "lddmm/particles.py", "* 2 ** (power - 1) * math.gamma(power)",
             "* math.gamma(power)", POINTS + "test_the_kernel_is_the_greens_function_of_the_operator"),
    Mutation("φ⁻¹ of points forwards in time", "lddmm/particle_maps.py", "backward, -1 / steps)",
             "backward, 1 / steps)", POINTS + "test_points_and_grid_shoot_the_same_geodesic"),
    Mutation("½ missing in E", "strain/tensor.py", "strain_xx = 0.5 * (xx * xx + yx * yx - 1)",
             "strain_xx = 1.0 * (xx * xx + yx * yx - 1)", STRAIN + "test_contracting_ring_has_its_closed_form_strain"),
    Mutation("FFᵀ instead of FᵀF", "strain/tensor.py", "0.5 * (xx * xx + yx * yx - 1)", "0.5 * (xx * xx + xy * xy - 1)",
             STRAIN + "test_affine_motion_is_exact_to_the_rim"),
    Mutation("x and y swapped in F", "strain/tensor.py", "along_y[..., 0], along_x[..., 1], 1 + along_y",
             "along_x[..., 1], along_y[..., 0], 1 + along_y",
             STRAIN + "test_a_shear_stretches_the_fibres_that_it_tilts"),
    Mutation("sign in the area", "strain/tensor.py", "xx * yy - xy * yx", "xx * yy + xy * yx",
             STRAIN + "test_affine_motion_is_exact_to_the_rim"),
    Mutation("circumferential direction reversed", "strain/frame.py", "circumferential = view_sign *",
             "circumferential = -view_sign *", STRAIN + "test_shear_has_the_sign_of_the_view"),
    Mutation("segments clockwise", "strain/segments.py", "turned = np.mod(angles - angle - start",
             "turned = np.mod(angle - angles - start",
             SEGMENTS + "test_six_segments_run_counter_clockwise_from_the_insertion"),
    Mutation("apical septum displaced", "strain/segments.py", "APICAL_SEPTUM_START_DEGREES = 15.0",
             "APICAL_SEPTUM_START_DEGREES = 45.0",
             SEGMENTS + "test_apical_septum_spans_fifteen_to_a_hundred_and_five_degrees"),
    Mutation("sectors on the wrong side of the insertion", "strain/segments.py",
             "np.stack((columns, rows), axis=1)) - insertion_angle",
             "np.stack((columns, rows), axis=1)) + insertion_angle",
             SEGMENTS + "test_sectors_are_equal_and_start_at_the_insertion"),
    Mutation("seen from the base", "heart/geometry.py", "self.view_sign * np.arctan2", "-self.view_sign * np.arctan2",
             "test_conventions.py::test_angles_are_counter_clockwise_seen_from_the_apex_for_any_array"),
    Mutation("sign of rotation", "strain/indices.py",
             "turn = grid.angles_from_apex(moved) - grid.angles_from_apex(arm)",
             "turn = grid.angles_from_apex(arm) - grid.angles_from_apex(moved)",
             CURVES + "test_rotation_is_seen_from_the_apex_and_ignores_translation"),
    Mutation("torsion without its ½", "strain/indices.py", "/ (2 * distance_mm))", "/ distance_mm)",
             CURVES + "test_torsion"),
    Mutation("CURE without its 2", "strain/indices.py", "total = power[0] + 2 * power[1]",
             "total = power[0] + power[1]",
             CURVES + "test_uniformity_is_one_for_alike_and_zero_for_opposite_sectors"),
    Mutation("q-sample: variance instead of deviation", "networks/diffusion.py", "(1 - signal).sqrt() * noise",
             "(1 - signal) * noise", NOISE + "test_q_sample_is_equation_6"),
    Mutation("DDPM: ᾱ instead of α", "networks/diffusion.py", "(noisy - (1 - alpha) / (1 - now).sqrt()",
             "(noisy - (1 - now) / (1 - now).sqrt()", NOISE + "test_one_exact_reverse_step_is_equation_8"),
    Mutation("DDIM: square root missing", "networks/diffusion.py", "(1 - now).sqrt() * predicted_noise) / now.sqrt()",
             "(1 - now).sqrt() * predicted_noise) / now",
             NOISE + "test_a_perfect_denoiser_brings_the_latent_back_from_any_start"),
    Mutation("time counted backwards from end-diastole", "heart/canonical.py",
             "(frame_times_ms - frame_times_ms[reference_frame])",
             "(frame_times_ms[reference_frame] - frame_times_ms)",
             "heart/test_canonical.py::test_phases_run_forwards_from_the_reference_frame"),
    Mutation("temporal resampling: weights of neighbours swapped", "heart/canonical.py",
             "(1 - share) * values[left] + share * values[left + 1]",
             "share * values[left] + (1 - share) * values[left + 1]",
             "heart/test_canonical.py::test_between_two_frames_the_nearer_one_weighs_more"),
)  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", help="only mutations whose description or file contains this")
    args = parser.parse_args()
    # Imported once before any fork. LaMoDCore is not, so that every child imports its own copy.
    import hypothesis  # noqa: F401
    import pytest  # noqa: F401
    import scipy.interpolate  # noqa: F401
    import torch  # noqa: F401

    missed = 0
    print("| mistake | file | test | caught |\n| --- | --- | --- | --- |")
    for mutation in MUTATIONS:
        if args.only in mutation.what or args.only in mutation.file:
            caught = _caught(mutation)
            missed += not caught
            test = mutation.test.rsplit("::", 1)[1]
            print(f"| {mutation.what} | {mutation.file} | `{test}` | {'yes' if caught else 'NO'} |", flush=True)
    return int(missed > 0)


def _caught(mutation: Mutation) -> bool:
    with _copy() as folder:
        file = folder / "LaMoDCore" / mutation.file
        text = file.read_text(encoding="utf-8")
        if text.count(mutation.right) != 1:
            raise SystemExit(f"{mutation.file} has {mutation.right!r} {text.count(mutation.right)} times, not once")
        file.write_text(text.replace(mutation.right, mutation.wrong), encoding="utf-8")
        child = get_context("fork").Process(target=_run, args=(folder, mutation.test))
        child.start()
        child.join()
        if child.exitcode not in (0, 1):
            raise SystemExit(f"{mutation.test} did not run: status {child.exitcode}")
        return child.exitcode == 1


@contextmanager
def _copy() -> Iterator[Path]:
    """A temporary copy of the package and its tests."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for part in ("LaMoDCore", "Testing/Core"):
            shutil.copytree(ROOT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy(ROOT / "pyproject.toml", folder)
        yield folder


def _run(folder: Path, test: str) -> None:
    """In a forked child: exit with 0 if the test passes on the copy, 1 if it fails, 2 otherwise."""
    import pytest
    from hypothesis import Phase, settings

    # One failing example is enough; skip shrinking it.
    settings.register_profile("found", phases=(Phase.explicit, Phase.generate))
    settings.load_profile("found")
    os.chdir(folder)
    sys.path.insert(0, str(folder))
    import LaMoDCore

    if not Path(LaMoDCore.__file__).is_relative_to(folder):
        os._exit(3)
    with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
        status = pytest.main(["-x", "-q", "-p", "no:cacheprovider", f"Testing/Core/{test}"])
    os._exit(int(status))


if __name__ == "__main__":
    sys.exit(main())
