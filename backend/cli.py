"""The command line. Commands import what they need, so that an auditor's install stays small."""

import argparse
import json
import os
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from backend.arguments import day, is_text, row_or_all, run_in_words, whole
from backend.auditing import add_auditing_commands
from backend.bag_printing import add_bag_commands
from backend.funding import add_fund_command
from backend.partnering import add_partner_commands
from backend.settings import PORT_MAX

Command = Callable[[argparse.Namespace], int]

EXIT_OK, EXIT_FOUND, EXIT_USAGE = 0, 1, 2
_port = whole(0, PORT_MAX)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the exit code is 0 for success, 1 for a finding, 2 for wrong input."""
    given = sys.argv[1:] if arguments is None else arguments
    if not is_text(given):
        print("An argument is not UTF-8.", file=sys.stderr)
        return EXIT_USAGE
    parsed = _parser().parse_args(given)
    command: Command = parsed.command
    try:
        code = run_in_words(partial(command, parsed))
        sys.stdout.flush()
    except BrokenPipeError:
        # `tanhui … | head` has read enough; what is left has nowhere to go, at the exit either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_OK
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="tanhui",
        description="碳惠: check-ins, carbon accounts and points, by public methodologies.",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_service_commands(commands)
    _add_auditor_commands(commands)
    _add_operator_commands(commands)
    add_partner_commands(commands)
    add_bag_commands(commands)
    add_auditing_commands(commands)
    return parser


def _add(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]",
    name: str,
    run: Command,
    text: str,
) -> argparse.ArgumentParser:
    parser = commands.add_parser(name, help=text, description=text)
    parser.set_defaults(command=run)
    return parser


def _add_service_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    for name, text in (
        ("serve", "run the API and the processor in one process (embedded database by default)"),
        ("api", "run the API alone"),
        ("processor", "run the processor alone"),
    ):
        parser = _add(commands, name, _serve, text)
        parser.set_defaults(parts=name)
        if name != "processor":
            parser.add_argument("--host", help="address to listen on (TANHUI_HOST)")
            parser.add_argument(
                "--port", type=_port, help="port to listen on, 0 for any (TANHUI_PORT)"
            )
    _add(commands, "migrate", _migrate, "bring the schema to the newest revision, as the owner")
    demo = _add(commands, "demo", _demo, "seed a fictional city, drive the API, verify, then serve")
    demo.add_argument("--photos", type=Path, help="folder of photos; default: rendered ones")
    demo.add_argument("--count", type=int, default=60, help="most photos to take (default 60)")
    demo.add_argument("--once", action="store_true", help="exit after the run instead of serving")
    demo.add_argument("--json", action="store_true", help="print one JSON summary as the last line")
    demo.add_argument("--port", type=_port, help="port to serve on (TANHUI_PORT, default 8080)")


def _add_auditor_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    calculate = _add(
        commands, "calculate", _calculate, "print a reduction and its whole calculation"
    )
    calculate.add_argument("methodology", help="id or action: TPH-FOOD-01 or clean_plate")
    calculate.add_argument("--input", required=True, help='JSON, for example {"meals": 1}')
    calculate.add_argument("--on", required=True, type=day, help="activity date")
    calculate.add_argument("--region", help="six digits (GB/T 2260), or a province's name")
    calculate.add_argument("--tier", default="documented", help="documented or self_declared")
    score = _add(commands, "score", _score, "score photos, one JSON line each")
    score.add_argument("files", nargs="+", type=Path)
    score.add_argument(
        "--model", type=Path, help="model file (TANHUI_MODEL, default the packaged one)"
    )
    model = commands.add_parser("model", help="look at a model before it decides over credits")
    compare = _add(
        model.add_subparsers(required=True, metavar="COMMAND"),
        "compare",
        _compare_models,
        "where two models disagree; exit 1 if they do, 2 for wrong input",
    )
    compare.add_argument("old", help="model file with its card beside it, or: packaged")
    compare.add_argument("new", help="the one that is to take its place")
    compare.add_argument("folder", type=Path, help="photos, with labels in manifest.csv if known")
    compare.add_argument(
        "--limit", type=whole(0), default=20, help="disagreements to list (default 20)"
    )
    compare.add_argument("--json", action="store_true", help="print one JSON object")


def _add_operator_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    verify = _add(
        commands, "verify", _verify, "check all invariants of the ledger; exit 1 on a breach"
    )
    verify.add_argument("--json", action="store_true", help="print findings as JSON")
    outbox = _add(commands, "outbox", _outbox, "list dead letters, or replay them")
    outbox.add_argument(
        "--replay", nargs="+", type=row_or_all, metavar="ID", help="ids to put back to work, or all"
    )
    outbox.add_argument("--after", type=whole(0), default=0, help="list after this id")
    outbox.add_argument("--limit", type=whole(1), default=50, help="rows to list (default 50)")
    add_fund_command(commands)
    review = _add(commands, "review", _review_export, "write photos that reviewers decided")
    reviews = review.add_subparsers(required=True, metavar="WHAT")
    export = _add(
        reviews, "export", _review_export, "write decided photos with labels, for training"
    )
    export.add_argument("folder", type=Path, help="gets photos/ and manifest.csv; may be there")
    export.add_argument("--from", dest="since", type=day, help="first day of decisions (Shanghai)")
    export.add_argument("--to", dest="until", type=day, help="last day of decisions (Shanghai)")
    bench = _add(commands, "bench", _bench, "run a benchmark of the checkout")
    bench.add_argument(
        "name", help="credit, scale, report, api, events, photo, noon, redeem or methodology"
    )
    bench.add_argument("--json", action="store_true", help="print one JSON object as the last line")
    bench.add_argument("rest", nargs=argparse.REMAINDER, help="options of the benchmark")


def _serve(parsed: argparse.Namespace) -> int:
    from backend.serving import run_service
    from backend.settings import read_settings

    settings = read_settings()
    changes = {
        name: value
        for name in ("host", "port")
        if (value := getattr(parsed, name, None)) is not None
    }
    return run_service(settings.changed(**changes), parts=parsed.parts)


def _migrate(_: argparse.Namespace) -> int:
    from backend.maintenance import migrate_database
    from backend.settings import read_settings

    return migrate_database(read_settings())


def _demo(parsed: argparse.Namespace) -> int:
    from backend.demo import run_demo
    from backend.settings import read_settings

    return run_demo(read_settings(), parsed)


def _calculate(parsed: argparse.Namespace) -> int:
    from scoring.methodology import CannotCalculate, calculate, parse_inputs

    try:
        calculation = calculate(
            parsed.methodology,
            parse_inputs(parsed.input),
            on=parsed.on,
            region=parsed.region,
            tier=parsed.tier,
        )
    except CannotCalculate as error:
        print(json.dumps({"error": error.code, "detail": str(error)}, ensure_ascii=False))
        return EXIT_USAGE
    print(json.dumps(calculation.as_dict(), ensure_ascii=False, indent=2, default=str))
    return EXIT_OK


def _score(parsed: argparse.Namespace) -> int:
    from scoring.model_card import ModelNotInCard
    from scoring.plate import PlateRecogniser
    from scoring.score_files import score_files

    named = parsed.model or os.environ.get("TANHUI_MODEL") or None
    try:
        recogniser = PlateRecogniser.load(Path(named) if named else None)
    except ModelNotInCard as error:
        print(f"The model was refused: {error}.", file=sys.stderr)
        return EXIT_USAGE
    for line in score_files(parsed.files, recogniser):
        print(json.dumps(line, ensure_ascii=False), flush=True)
    return EXIT_OK


def _compare_models(parsed: argparse.Namespace) -> int:
    from scoring.comparison import FolderNotComparable, compare_models
    from scoring.model_card import ModelNotInCard
    from scoring.plate import PlateRecogniser

    named = (None if name == "packaged" else Path(name) for name in (parsed.old, parsed.new))
    try:
        old, new = (PlateRecogniser.load(path) for path in named)
        found = compare_models(old, new, parsed.folder)
    except ModelNotInCard as error:
        print(f"The model was refused: {error}.", file=sys.stderr)
        return EXIT_USAGE
    except FolderNotComparable as error:
        print(f"{error}.", file=sys.stderr)
        return EXIT_USAGE
    if parsed.json:
        print(json.dumps(found.as_dict(limit=parsed.limit), ensure_ascii=False))
    else:
        print("\n".join(found.as_lines(limit=parsed.limit)))
    return EXIT_FOUND if found.disagreements else EXIT_OK


def _verify(parsed: argparse.Namespace) -> int:
    from backend.settings import read_settings
    from backend.verify import verify_database

    return verify_database(read_settings(), as_json=parsed.json)


def _outbox(parsed: argparse.Namespace) -> int:
    from backend.maintenance import list_dead_letters, replay_dead_letters
    from backend.settings import read_settings

    if parsed.replay:
        return replay_dead_letters(read_settings(), parsed.replay)
    return list_dead_letters(read_settings(), after=parsed.after, limit=parsed.limit)


def _review_export(parsed: argparse.Namespace) -> int:
    from backend.maintenance import export_reviewed
    from backend.settings import read_settings

    return export_reviewed(read_settings(), parsed.folder, since=parsed.since, until=parsed.until)


def _bench(parsed: argparse.Namespace) -> int:
    import importlib

    folder = Path(__file__).resolve().parents[1]
    main_of = None
    if parsed.name.isidentifier() and (folder / "benchmarks" / f"{parsed.name}.py").is_file():
        sys.path.insert(0, str(folder))
        main_of = getattr(importlib.import_module(f"benchmarks.{parsed.name}"), "main", None)
    if main_of is None:
        print("Benchmarks run from a checkout; see benchmarks/ there.", file=sys.stderr)
        return EXIT_USAGE
    code: int = main_of([*parsed.rest, *(["--json"] if parsed.json else [])])
    return code


if __name__ == "__main__":
    sys.exit(main())
