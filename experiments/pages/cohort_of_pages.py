"""A cohort of 30 phantom cases, three of them damaged, as pages: numbers, sizes, times and frames per second.

    python -m experiments.pages.cohort_of_pages --out DIR [--model NAME|DIR] [--samples 1] [--skip-browser]

Writes DIR/data (the dataset), DIR/results (`lamod predict-cohort --outputs …,html`), DIR/evaluation (`lamod evaluate
--html`) and DIR/checks (`lamod check --cohort --html`), and compares the numbers of every page with the files next to
it. Then it writes pages of 1, 3 and 12 slices of 30 frames, and plays those of 1 and 3 slices in headless Chromium. An
existing DIR is continued.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import re
import shutil
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from LaMoDCore.cli import main as lamod
from LaMoDCore.heart.case import StrainResult
from LaMoDCore.io import load_case
from LaMoDCore.io.images.seq_nrrd import write_seq_nrrd
from LaMoDCore.io.results.segments_csv import segments_text
from LaMoDCore.models.default_model import DEFAULT_MODEL
from LaMoDCore.phantom.cohort.recipe import CohortRecipe
from LaMoDCore.prediction.predict import predict_strain
from LaMoDCore.report.html.page import html_report
from LaMoDCore.report.html.thumbnail import thumbnail
from Testing.Core.io.heart_files import heart_cine, heart_labels, stack_affine

CASES = 30
RECIPE = {"count": 8, "seed": 30, "pictures": True, "split": [0.0, 0.0, 1.0]}
#: Pixels, spacing in mm, frames and length in mm of the stacks whose pages are measured.
SHAPE, SPACING_MM, FRAMES, HEART_MM = (208, 256), 1.4, 30, 84.0
SECONDS_OF_PLAY = 4.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, metavar="DIR")
    parser.add_argument("--model", default=DEFAULT_MODEL)
    parser.add_argument("--samples", type=int, default=1, help="samples per case (default 1)")
    parser.add_argument("--skip-browser", action="store_true", help="do not play pages in Chromium")
    args = parser.parse_args()
    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors")
    write_cohort(args.out / "data")
    sampling = ["--samples", str(args.samples)] if args.samples > 1 else ["--no-diffusion"]
    results, evaluation, checks = (args.out / name for name in ("results", "evaluation", "checks"))
    wanted = ["--outputs", "strain,segments,html", "--model", args.model, *sampling]
    run("predict-cohort", args.out / "data", "--out", results, *wanted)
    compare_cohort(results)
    method = f"{args.model}:diffusion" if args.samples > 1 else f"{args.model}:no-diffusion"
    options = ["--samples", str(args.samples)] if args.samples > 1 else []
    run("evaluate", "--data", args.out / "data", "--out", evaluation, "--models", f"zero,{method}", *options, "--html")
    compare_evaluation(evaluation)
    run("check", args.out / "data", "--cohort", "--out", checks, "--html", "--max-lines", "3")
    compare_checks(checks)
    measure(args.out, args.model, args.samples, browser=not args.skip_browser)


def run(command: str, *words: Any) -> None:
    """Run a command in this process; every status is accepted but that of a wrong input."""
    began = time.perf_counter()
    status = lamod([command, *map(str, words), "--progress", "none"])
    print(f"lamod {command}: status {status}, {time.perf_counter() - began:.0f} s")
    if status not in (0, 3):
        sys.exit(1)


def write_cohort(data: Path) -> None:
    """The dataset; three cases are damaged: masks without a wall, half a file, and text."""
    if (data / "dataset.json").is_file():
        return
    recipe = CohortRecipe.from_json(RECIPE)
    names = [entry.id for n in range(recipe.count) for entry in recipe.entries(n)][:CASES]
    data.parent.mkdir(parents=True, exist_ok=True)
    path = data.parent / "recipe.json"
    path.write_text(json.dumps({"recipe": RECIPE, "subsets": {"thirty": names}}), encoding="utf-8")
    run("phantom", "--recipe", path, "--subset", "thirty", "--out", data, "--no-report")
    files = [data / "cases" / names[n] / "masks.seq.nrrd" for n in (4, 13, 22)]
    from LaMoDCore.io.images.seq_nrrd import read_seq_nrrd

    stack = read_seq_nrrd(files[0])
    write_seq_nrrd(
        files[0], np.zeros_like(stack.frames), stack.ijk_to_lps, stack.frame_times_ms, rr_ms=float(stack.rr_ms or 1000)
    )
    files[1].write_bytes(files[1].read_bytes()[: files[1].stat().st_size // 2])
    files[2].write_text("<script>alert(1)</script>", encoding="utf-8")


def embedded(page: Path) -> dict[str, Any]:
    """The data that a page embeds for its script."""
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', page.read_text("utf-8"), re.S)
    if found is None:
        raise SystemExit(f"{page} embeds no data")
    return dict(json.loads(found[1]))


def compare_cohort(results: Path) -> None:
    index = embedded(results / "index.html")
    rows = table(results / "summary.csv")
    failed = table(results / "failures.csv")
    assert len(index["cases"]) == len(rows) == CASES - 3 and len(failed) == 3, (len(rows), len(failed))
    column = [name.split(",")[0] for name in index["measures"]].index("GCS")
    numbers = 0
    for case in index["cases"]:
        folder = results / "cases" / case["id"]
        stored = json.loads((folder / "strain.json").read_text("utf-8"))
        assert abs(case["values"][column] - 100 * stored["global"]["gcs_peak"]) < 6e-4, case["id"]
        page = embedded(folder / "report.html")
        assert page["segments_csv"] == (folder / "segments.csv").read_text("utf-8"), case["id"]
        assert abs(page["heart_peaks"]["ecc"] - 100 * stored["global"]["gcs_peak"]) < 1e-3
        numbers += page["segments_csv"].count("\n") - 1
    page_bytes = [path.stat().st_size for path in results.glob("cases/*/report.html")]
    print(
        f"predict-cohort: {len(index['cases'])} pages of one slice, {min(page_bytes) / 1e6:.2f} to "
        f"{max(page_bytes) / 1e6:.2f} MB; index {(results / 'index.html').stat().st_size / 1e6:.2f} MB; "
        f"{numbers} rows of segments.csv equal"
    )


def compare_evaluation(evaluation: Path) -> None:
    index = embedded(evaluation / "index.html")
    failed = {(row["id"], row["model"]) for row in table(evaluation / "cases.csv") if row["failed"]}
    rows = [row for row in table(evaluation / "segments.csv") if (row["id"], row["model"]) not in failed]
    values = 0
    for comparison in index["comparisons"]:
        if comparison["quantity"] != "segmental Ecc at ES":
            continue
        own = [row for row in rows if row["model"] == comparison["method"]]
        assert len(own) == len(comparison["y"])
        for row, x, y, case in zip(own, comparison["x"], comparison["y"], comparison["case"], strict=True):
            assert index["cases"][case]["id"] == row["id"]
            assert abs(x - 100 * float(row["ecc_true"])) < 2e-3 and abs(y - 100 * float(row["ecc"])) < 2e-3
            values += 1
        print(f"  {comparison['method']}: {comparison['summary']}")
    size = (evaluation / "index.html").stat().st_size
    print(f"evaluate: {values} points of segmental Ecc equal segments.csv; index {size / 1e6:.2f} MB")


def compare_checks(checks: Path) -> None:
    rows = {row["id"]: row for row in table(checks / "checks.csv")}
    index = embedded(checks / "index.html")
    for case in index["cases"]:
        shown = dict(zip(index["measures"], case["values"], strict=True))
        assert shown["Frames to repair"] == float(rows[case["id"]]["repair"]), case["id"]
        assert shown["Frames to look at"] == float(rows[case["id"]]["look"]), case["id"]
    failed = sum(bool(row["failure"]) for row in rows.values())
    print(f"check: {len(index['cases'])} cases equal checks.csv, {failed} failed")


def table(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))


def measure(out: Path, model: str, samples: int, *, browser: bool) -> None:
    """Sizes, times and frames per second of pages of stacks."""
    print("| slices | MB | s per slice | frames per second |\n| ---: | ---: | ---: | ---: |")
    for slices in (1, 3, 12):
        result = stack_result(out / f"stack{slices}", slices, model, samples)
        seconds = []
        for _ in range(3):
            began = time.perf_counter()
            text = html_report(result)
            thumbnail(result)
            seconds.append(time.perf_counter() - began)
        page = out / f"stack{slices}.html"
        page.write_text(text, encoding="utf-8", newline="")
        assert embedded(page)["segments_csv"] == segments_text(result)
        rate = f"{frames_per_second(page):.0f}" if browser and slices < 12 else "–"
        size = page.stat().st_size / 1e6
        print(f"| {slices} | {size:.2f} | {min(seconds) / slices:.2f} | {rate} |", flush=True)


def stack_result(folder: Path, slices: int, model: str, samples: int) -> StrainResult:
    """A closed-form heart of some slices with its cine, predicted."""
    folder.mkdir(exist_ok=True)
    affine = stack_affine(SHAPE, (SPACING_MM, SPACING_MM), slices=slices, gap_mm=HEART_MM / slices)
    labels = heart_labels(affine, SHAPE, slices=slices, frames=FRAMES)
    times = np.arange(FRAMES) * 27.0
    for name, frames in (("masks", labels), ("cine", heart_cine(labels))):
        write_seq_nrrd(folder / f"{name}.seq.nrrd", frames, affine, times, rr_ms=810.0)
    case = load_case([folder / "masks.seq.nrrd"], cine=[folder / "cine.seq.nrrd"])
    options: dict[str, Any] = {"samples": samples} if samples > 1 else {"diffusion": False}
    return predict_strain(case, model, device="cpu", **options)


_COUNT = """(seconds) => new Promise((resolve) => {
  const slider = document.getElementById('frame');
  let [shown, changes, began] = [slider.value, 0, null];
  const look = (now) => {
    began ??= now;
    if (slider.value !== shown) [shown, changes] = [slider.value, changes + 1];
    if (now - began < 1000 * seconds) requestAnimationFrame(look);
    else resolve(changes / ((now - began) / 1000));
  };
  requestAnimationFrame(look);
})"""


def frames_per_second(page: Path) -> float:
    """Frames that Chromium shows per second of play at the speed of the heart, 1440 by 900 pixels."""
    from playwright.sync_api import sync_playwright

    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))))
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        tab = browser.new_page(viewport={"width": 1440, "height": 900})
        tab.goto(page.resolve().as_uri())
        tab.wait_for_selector("html[data-ready]", timeout=120_000)
        rate = float(tab.evaluate(_COUNT, SECONDS_OF_PLAY))
        browser.close()
    return rate


if __name__ == "__main__":
    main()
