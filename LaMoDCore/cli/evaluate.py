"""`lamod evaluate`: compare methods with the truth of a dataset, in tables and figures."""

from __future__ import annotations

import argparse
from pathlib import Path
from tempfile import TemporaryDirectory

from LaMoDCore.cli.shared.options import add_progress_option, add_sampling_options, sampling_settings
from LaMoDCore.models.default_model import DEFAULT_MODEL
from LaMoDCore.runtime.progress import Progress

HELP = (
    "Compare methods with the true motion of a dataset: CSV files per case and segment, a Markdown page with intervals "
    "and paired tests, and figures as in the paper."
)
DEFAULT_METHODS = f"zero,{DEFAULT_MODEL}:no-diffusion,{DEFAULT_MODEL}:diffusion"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--data", required=True, metavar="DIR", type=Path, help="dataset folder")
    parser.add_argument("--out", required=True, metavar="DIR", type=Path, help="folder to write to")
    parser.add_argument("--split", default="test", choices=("train", "val", "test"), help="split to use (default test)")
    parser.add_argument(
        "--models",
        default=DEFAULT_METHODS,
        metavar="A,B,...",
        help="'zero', 'itk-demons', 'lddmm', or models by name or folder; the suffix ':diffusion' or ':no-diffusion' "
        "overrides a model's setting, and ':registration' selects its registration network alone; the last one is "
        f"compared with each of the others (default {DEFAULT_METHODS})",
    )
    parser.add_argument(
        "--workers",
        type=_positive,
        default=1,
        metavar="N",
        help="with --cache: number of processes that predict on the CPU before the comparison; with a GPU, they run "
        "only the methods without training",
    )
    parser.add_argument("--cache", metavar="DIR", type=Path, help="folder in which predictions are stored and reused")
    parser.add_argument("--limit", type=_positive, metavar="N", help="at most N cases, spread evenly over the split")
    parser.add_argument("--samples", type=_positive, metavar="N", help="samples per case (default: the model's own)")
    add_sampling_options(parser)
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:N or mps")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="random seed (default 0)")
    parser.add_argument("--no-figures", action="store_true", help="write tables only")
    parser.add_argument(
        "--html",
        action="store_true",
        help="also write index.html, the cases as a page for browsers, with plots of prediction against truth, and a "
        "page per case of the last method (1.6 MB each); it needs the package bokeh",
    )
    add_progress_option(parser)


def run(args: argparse.Namespace) -> int:
    from LaMoDCore.evaluation.pages.case_pages import CasePages
    from LaMoDCore.evaluation.prediction_cache import cached, open_prediction_cache
    from LaMoDCore.evaluation.predictors import make_predictors
    from LaMoDCore.evaluation.prefetch import prefetch
    from LaMoDCore.evaluation.run import check_output, chosen_entries, evaluate, write_evaluation
    from LaMoDCore.io.dataset.folder import DatasetIndex
    from LaMoDCore.prediction.device_check import choose_device
    from LaMoDCore.report.html.bokeh_script import check_bokeh

    if args.html:
        check_bokeh()
    sampling = sampling_settings(args)
    check_output(args.out, [args.data, *([] if args.cache is None else [args.cache])])
    if args.cache is not None:
        open_prediction_cache(args.cache)
    index = DatasetIndex.load_usable(args.data)
    names = [name.strip() for name in args.models.split(",") if name.strip()]
    predictors = make_predictors(names, device=args.device, samples=args.samples, seed=args.seed, sampling=sampling)
    if args.cache is not None:
        predictors = [cached(predictor, args.cache) for predictor in predictors]
    with Progress(args.progress) as progress, TemporaryDirectory(prefix="lamod-") as temporary:
        pages = CasePages(Path(temporary), predictors[-1].calibration) if args.html else None
        if args.cache is not None:
            prefetch(
                index,
                chosen_entries(index, args.split, args.limit),
                names,
                args.cache,
                device=choose_device(args.device)[0].type,
                samples=args.samples,
                seed=args.seed,
                workers=args.workers,
                sampling=sampling,
                progress=progress,
            )
        found = evaluate(index, predictors, split=args.split, limit=args.limit, progress=progress, pages=pages)
        progress.update("write", 1.0, "tables and figures")
        settings = {"seed": args.seed, "samples": args.samples or "the model's own"}
        settings |= {name: value for name, value in sampling.items() if value is not None}
        files = write_evaluation(
            args.out,
            index,
            predictors,
            found,
            split=args.split,
            settings=settings,
            figures=not args.no_figures,
            pages=pages,
        )
    for case_id, reason in found.unreadable:
        print(f"left out {case_id}: {reason}")
    print(f"compared {len({r.id for r in found.cases})} cases; read {next(p for p in files if p.suffix == '.md')}")
    return 0


def _positive(text: str) -> int:
    value = int(text) if text.lstrip("-").isdigit() else 0
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of at least 1")
    return value
