"""Compare all methods on the frozen synthetic cohort, in one command that can be interrupted and resumed.

    python -m experiments.evaluation.full_evaluation --out DIR [--model NAME|DIR] [--baseline NAME=DIR …]
        [--leave-out NAME …] [--cohorts canonical,paired,paired-28,all] [--limit N]

Cohorts, each generated under DIR from the committed recipe if it is missing:
    canonical  the fixed 100 slices of phantom-test-v1: masks with reader errors, 40 frames, 1 mm pixels
    paired     the same slices scanned twice: DENSE masks and cine masks, each on its own grid and frames
    paired-28  28 of those, four per disease, if time is short
    all        all 1680 slices of phantom-test-v1, for the methods that take seconds

Predictions are kept under DIR/predictions, so that another method only adds its own. DIR/evaluation-COHORT holds the
output of `lamod evaluate`; its page lists the methods that were left out as not run.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from experiments.paths import RECIPES
from LaMoDCore.baselines import available
from LaMoDCore.cli import main as lamod
from LaMoDCore.models.default_model import DEFAULT_MODEL

_COHORTS = {
    "canonical": ("phantom-test-v1.json", "single-100"),
    "paired": ("phantom-test-v1-paired.json", "single-100"),
    "paired-28": ("phantom-test-v1-paired.json", "balanced-28"),
    "all": ("phantom-test-v1.json", None),
}
#: Methods that take minutes per slice: too slow for 1680 slices.
_SLOW = ("lddmm",)


def methods(model: str, baselines: dict[str, str], left_out: set[str], cohort: str) -> tuple[list[str], list[str]]:
    """Values for `lamod evaluate --models`, LaMoD last, and the titles of methods that are not run."""
    run, not_run = [], []
    for method in available():
        name = method.name
        value = {"": name, "model": f"{model}:{name}", "network": baselines.get(name, "")}[method.learned]
        if name in left_out or not value or (cohort == "all" and name in _SLOW):
            not_run.append(method.title)
        else:
            run.append(value)
    return run, not_run


def evaluate(cohort: str, args: argparse.Namespace, baselines: dict[str, str]) -> Path:
    recipe, subset = _COHORTS[cohort]
    data, out = args.out / cohort, args.out / f"evaluation-{cohort}"
    words = ["phantom", "--recipe", str(RECIPES / recipe), "--out", str(data), "--resume", "--no-report"]
    words += ["--workers", str(args.workers)] + (["--subset", subset] if subset else [])
    if lamod(words):
        sys.exit(f"{data} could not be generated")
    run, not_run = methods(args.model, baselines, set(args.leave_out), cohort)
    words = ["evaluate", "--data", str(data), "--out", str(out), "--models", ",".join(run)]
    words += ["--cache", str(args.out / "predictions"), "--device", args.device, "--workers", str(args.workers)]
    words += ["--limit", str(args.limit)] if args.limit else []
    if lamod(words):
        sys.exit(f"{data} could not be evaluated")
    page = out / "results.md"
    if not_run:
        text = page.read_text(encoding="utf-8") + "\n## Not run\n\n" + "".join(f"- {title}\n" for title in not_run)
        page.write_text(text, encoding="utf-8", newline="\n")
    return page


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--model", default=DEFAULT_MODEL)
    parser.add_argument("--baseline", action="append", default=[], metavar="NAME=DIR", help="a trained baseline")
    parser.add_argument("--leave-out", action="append", default=[], choices=[m.name for m in available()])
    parser.add_argument("--cohorts", default="canonical,paired")
    parser.add_argument("--limit", type=int)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--device", default="cpu")
    args = parser.parse_args()
    baselines = dict(given.split("=", 1) for given in args.baseline)
    for cohort in args.cohorts.split(","):
        print(f"results: {evaluate(cohort, args, baselines)}")


if __name__ == "__main__":
    main()
