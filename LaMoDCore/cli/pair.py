"""`lamod pair`: match cine and DENSE studies by person and plane, as a dataset of paired cases."""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from LaMoDCore.cli.dense import add_analysis_options, analysis_options
from LaMoDCore.cli.shared.options import add_convention_option, add_labels_option, add_progress_option, numbers
from LaMoDCore.runtime.errors import LaMoDInputError
from LaMoDCore.runtime.plain_text import counted
from LaMoDCore.runtime.progress import Progress

if TYPE_CHECKING:
    from LaMoDCore.pairing.pair_studies import PairedPerson, PairingResult

HELP = (
    "Pair cine and DENSE studies by person and short-axis plane, as a dataset for `lamod evaluate`. CINE and DENSE are "
    "DICOM folders, DENSEanalysis workspaces, cases of a dataset, or folders with a subfolder for each person."
)
_OUTSIDE = "name a file outside the dataset"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    from LaMoDCore.contours.automatic.registry import DEFAULT_ENGINE
    from LaMoDCore.io.dataset.folder import SPLITS
    from LaMoDCore.pairing.persons import MATCHINGS

    parser.add_argument("cine", metavar="CINE", type=Path, help="cine study of a person, or folder of persons")
    parser.add_argument("dense", metavar="DENSE", type=Path, help="DENSE study of that person, or folder of persons")
    parser.add_argument(
        "--out", required=True, metavar="DATASET", type=Path, help="a new dataset, or one to which the pairs are added"
    )
    parser.add_argument(
        "--overwrite",
        action="store_true",
        help="replace cases of the dataset that have the same id, unless files in them were changed or added",
    )
    persons = parser.add_argument_group("the persons, who get pseudonyms: no PatientID, date or folder name is written")
    persons.add_argument(
        "--by",
        choices=MATCHINGS,
        default="auto",
        help="match persons by the names of their folders and by PatientID (auto, the default), by one of these alone, "
        "or take all scans as those of one person",
    )
    persons.add_argument(
        "--prefix", default="person", metavar="TEXT", help="beginning of the pseudonyms (default person)"
    )
    persons.add_argument(
        "--about",
        metavar="FILE",
        type=Path,
        help="CSV file with the columns person (name of the folder), and any of subject (pseudonym), disease, site, "
        "levels (of the cine slices, base to apex) and rv_insertion (anterior, X Y Z in LPS mm)",
    )
    persons.add_argument("--key", metavar="FILE", type=Path, help="write which pseudonym belongs to which folder")
    persons.add_argument("--site", default="", help="site of the scans")
    persons.add_argument("--disease", default="", help="disease of the persons that --about does not name")
    persons.add_argument("--split", choices=SPLITS, default="test", help="split of the dataset (default test)")
    walls = parser.add_argument_group("the contours (masks in the folder of a scan are its contours)")
    walls.add_argument("--engine", metavar="NAME|DIR", default=DEFAULT_ENGINE, help="engine for cines without contours")
    walls.add_argument("--fast", action="store_true", help="one orientation per frame: half the time, slightly worse")
    walls.add_argument(
        "--segment", action="store_true", help="segment DENSE magnitude images without contours; check the result"
    )
    add_labels_option(walls, "the values of the masks", metavar="myo=2,…")
    add_convention_option(walls, "Of the cine contours (default: that of the engine or of the cases, else auto)")
    add_convention_option(
        walls,
        "Of the DENSE contours (default: that of the cases, else tissue, or auto for cases without DENSE images)",
        "--dense-contour-convention",
    )
    walls.add_argument(
        "--rv-insertion", type=numbers(3), metavar="X,Y,Z", help="anterior RV insertion point of one person, LPS mm"
    )
    scan = parser.add_argument_group("DENSE, where the data lack it")
    scan.add_argument("--ke", type=float, metavar="K", help="encoding frequency × scale, in cycles/mm")
    scan.add_argument("--frame-ms", type=float, metavar="MS", help="duration of a frame")
    scan.add_argument("--rr-ms", type=float, metavar="MS", help="R–R interval")
    add_analysis_options(parser)
    add_progress_option(parser)


def run(args: argparse.Namespace) -> int:
    from LaMoDCore.pairing.about_persons import read_about_persons
    from LaMoDCore.pairing.cine_side import CineOptions
    from LaMoDCore.pairing.dense_side import DenseOptions
    from LaMoDCore.pairing.pair_studies import DatasetOptions, pair_studies
    from LaMoDCore.pairing.person import PairingOptions
    from LaMoDCore.runtime.file_names import check_name
    from LaMoDCore.runtime.output.new_folder import write_new_file

    check_name(f"{args.prefix}01", "the pseudonym")
    if args.key is not None:
        _check_key(args.key, args.out)
    options = PairingOptions(
        cine=CineOptions(
            args.engine, args.fast, args.labels, args.rv_insertion, contour_convention=args.contour_convention
        ),
        dense=DenseOptions(args.ke, args.frame_ms, args.rr_ms, args.labels, args.dense_contour_convention),
        analysis=analysis_options(args),
        segment=args.segment,
    )
    dataset = DatasetOptions(
        prefix=args.prefix,
        site=args.site,
        disease=args.disease,
        split=args.split,
        about={} if args.about is None else read_about_persons(args.about),
        overwrite=args.overwrite,
    )
    written: list[Path] = []

    def write_key(result: PairingResult) -> None:
        if args.key is not None:
            write_new_file(args.key, _key(result).encode())
            written.append(args.key)

    try:
        with Progress(args.progress) as progress:
            result = pair_studies(
                args.cine,
                args.dense,
                args.out,
                options,
                dataset,
                by=args.by,
                before_writing=write_key,
                progress=progress,
            )
    except BaseException:
        for file in written:  # there is no dataset to which it belongs
            file.unlink(missing_ok=True)
        raise
    for one in result.persons:
        print("\n".join(_lines(one)))
    for mismatch in result.mismatches:
        side = "cine and DENSE" if mismatch.side == "both" else mismatch.side
        print(f"not matched: {side} folder {mismatch.name}: {mismatch.reason}")
    paired = [one for one in result.persons if one.pairs]
    count = sum(len(one.pairs) for one in paired)
    persons = f"{len(paired)} of {counted(len(result.persons), 'person')} paired"
    print(f"{counted(count, 'pair')}, {persons}: {args.out}; see pairing.csv there")
    return 0


def _check_key(key: Path, out: Path) -> None:
    from LaMoDCore.runtime.output.new_folder import check_writable, real_path

    if real_path(out) in real_path(key).parents:
        raise LaMoDInputError(key, "it identifies the persons and would lie in the dataset", _OUTSIDE)
    if key.exists():
        raise LaMoDInputError(key, "it exists already", "name a new file, or delete this one first")
    check_writable(key, real_path(key).parent)


def _key(result: PairingResult) -> str:
    import csv
    import io

    from LaMoDCore.runtime.plain_text import table_cell

    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["subject", "cine", "dense"])
    for one in result.persons:
        writer.writerow([one.subject, table_cell(one.person.cine.name), table_cell(one.person.dense.name)])
    return text.getvalue()


def _lines(one: PairedPerson) -> list[str]:
    lines = [f"{one.subject}: {counted(len(one.pairs), 'pair')}"]
    if not one.person.shares_reference:
        lines.append("  cine and DENSE state different frames of reference: check the positions of their slices")
    for pair, cine, dense in one.pairs:
        lines.append(
            f"  {cine} and {dense}: {pair.cine.level}, planes {abs(pair.distance_mm):.1f} mm and "
            f"{pair.angle_degrees:.1f}° apart, shifted by {pair.shift_mm:.1f} mm in the plane; contours: cine "
            f"{pair.contours[0]}, DENSE {pair.contours[1]}; RV insertion: {pair.insertion}"
        )
    if any(not pair.cine.level_known for pair, _, _ in one.pairs):
        lines.append("  the levels are a guess, which the models do not use: give them in the column levels of --about")
    elif any(_levels_proposed(pair.cine.details or {}) for pair, _, _ in one.pairs):
        lines.append("  the levels were proposed from the positions of the slices: see the column levels of --about")
    quiet = Counter(each.reason for each in one.unpaired if each.side == "cine" and each.slice is not None)
    for each in one.unpaired:
        if each.is_other or (each.side == "cine" and each.slice is not None):
            continue
        where = each.side if each.slice is None else f"DENSE slice {each.slice}"
        lines.append(f"  not paired: {where}: {each.reason}" + (f" ({each.detail})" if each.detail else ""))
    lines += [f"  not paired: {counted(count, 'cine slice')}: {reason}" for reason, count in quiet.items()]
    others = "; ".join(each.reason for each in one.unpaired if each.is_other)
    if others:
        lines.append(f"  series of the cine study that are not used: {others}")
    return lines


def _levels_proposed(details: Mapping[str, Any]) -> bool:
    return any(isinstance(each, dict) and each.get("code") == "levels_proposed" for each in details.get("notes") or ())
