"""Commands of those who check the rules: `methodology`, `recompute`, `simulate`.

Imports what a command needs when it runs, so that an auditor's install stays small.
"""

import argparse
import asyncio
import json
import sys
import time
from collections.abc import Callable, Iterable
from datetime import date
from pathlib import Path
from typing import Any

from backend.arguments import day

EXIT_OK, EXIT_FOUND, EXIT_USAGE = 0, 1, 2
PROGRESS_EVERY_S = 2.0


def add_auditing_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the commands and their options."""
    text = "list, show, compare and check methodology versions; needs no database"
    methodology = commands.add_parser("methodology", help=text, description=text)
    _add_methodology_commands(methodology.add_subparsers(required=True, metavar="WHAT"))
    text = "compute every booking again from what it stored; exit 1 when one differs"
    recompute = _parser(commands, "recompute", _recompute, text)
    _add_days(recompute)
    text = "show what a new methodology file would have changed for past check-ins; books nothing"
    simulate = _parser(commands, "simulate", _simulate, text)
    simulate.add_argument("file", type=Path, metavar="NEW.toml")
    _add_days(simulate, required=True)
    simulate.add_argument("--factors", type=Path, help="folder of further factor files")
    simulate.add_argument("--accounts", action="store_true", help="name accounts by their ids")


def _add_methodology_commands(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]",
) -> None:
    _parser(commands, "list", _list, "every version of the installed files, drafts too")
    show = _parser(commands, "show", _show, "one version with its factors, as JSON")
    show.add_argument("version", help="id, id@version, hash or its beginning, or an action")
    diff = _parser(commands, "diff", _diff, "what differs between two versions; exit 1 if anything")
    for name in ("old", "new"):
        diff.add_argument(name, help="like show, or a file")
    check = _parser(commands, "check", _check, "every fault of a file or folder, with what to do")
    check.add_argument("path", type=Path)
    for parser in (diff, check):
        parser.add_argument("--factors", type=Path, help="folder of further factor files")


def _parser(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]",
    name: str,
    run: Callable[[argparse.Namespace], int],
    text: str,
) -> argparse.ArgumentParser:
    parser = commands.add_parser(name, help=text, description=text)
    parser.set_defaults(command=run)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    return parser


def _add_days(parser: argparse.ArgumentParser, *, required: bool = False) -> None:
    for name, target, text in (
        ("--from", "since", "first Shanghai day of the activities"),
        ("--to", "until", "last Shanghai day of the activities"),
    ):
        parser.add_argument(name, dest=target, type=day, required=required, help=text)


def _list(parsed: argparse.Namespace) -> int:
    from scoring.methodology import load_catalogue

    catalogue = load_catalogue()
    rows = [
        {
            "methodology": each.methodology_id,
            "version": each.version,
            "action": each.action,
            "title": dict(each.title),
            "valid_from": each.valid_from,
            "valid_until": each.valid_until,
            "review_due": each.review_due,
            "draft": dict(each.draft_reason) if each.draft_reason else None,
            "hash": each.hash,
        }
        for each in (*catalogue, *catalogue.drafts)
    ]
    if parsed.json:
        _print({"versions": rows})
        return EXIT_OK
    for row in rows:
        mark = "draft" if row["draft"] else "     "
        print(
            f"{row['methodology']:<15} {row['version']:<7} {mark}  from {row['valid_from']}"
            f"  {str(row['hash'])[:12]}  {row['action']}"
        )
    return EXIT_OK


def _show(parsed: argparse.Namespace) -> int:
    from scoring.methodology import CannotCalculate, CatalogueBroken

    try:
        version = _version(parsed.version, None)
    except CatalogueBroken as broken:
        return _refuse(_faults(broken.faults))
    except (CannotCalculate, OSError, UnicodeDecodeError) as error:
        return _refuse(
            [{"where": parsed.version, "what": str(error), "do": "Run: tanhui methodology list"}]
        )
    content = json.loads(version.content)
    _print({"hash": version.hash, **content})
    return EXIT_OK


def _diff(parsed: argparse.Namespace) -> int:
    from scoring.methodology import CannotCalculate, CatalogueBroken, diff

    try:
        old, new = (_version(name, parsed.factors) for name in (parsed.old, parsed.new))
    except CatalogueBroken as broken:
        return _refuse(_faults(broken.faults))
    except (CannotCalculate, OSError, UnicodeDecodeError) as error:
        where = f"{parsed.old}, {parsed.new}"
        return _refuse([{"where": where, "what": str(error), "do": "Name a version or a file"}])
    changes = diff(old, new)
    if parsed.json:
        _print({"old": old.hash, "new": new.hash, "changes": [each._asdict() for each in changes]})
    else:
        for each in changes:
            print(
                f"{each.path}: {json.dumps(each.old, ensure_ascii=False, default=str)}"
                f" -> {json.dumps(each.new, ensure_ascii=False, default=str)}"
            )
    return EXIT_FOUND if changes else EXIT_OK


def _check(parsed: argparse.Namespace) -> int:
    from scoring.methodology import check

    try:
        found = _faults(check(parsed.path, parsed.factors))
    except (OSError, UnicodeDecodeError) as error:
        return _refuse([{"where": str(parsed.path), "what": str(error), "do": "Name a file"}])
    if parsed.json:
        _print({"faults": found})
    else:
        print("\n".join(_fault_line(each) for each in found) or "没有问题 No fault found.")
    return EXIT_FOUND if found else EXIT_OK


def _recompute(parsed: argparse.Namespace) -> int:
    from backend.settings import read_settings
    from backend.verify.rehearsing import recompute_database

    if not _is_period(parsed.since, parsed.until):
        return _refuse([{"where": "--from", "what": "after --to", "do": "Swap the two days"}])
    found = asyncio.run(
        recompute_database(read_settings(), parsed.since, parsed.until, _told("bookings"))
    )
    counts = {"matched": found.matched, "different": found.different, "erased": found.erased}
    if parsed.json:
        _print({**counts, "examples": found.examples})
    else:
        for example in found.examples:
            print(f"✗ {json.dumps(example, ensure_ascii=False, default=str)}")
        print(
            f"一致 matched {found.matched:,} · 不一致 different {found.different:,}"
            f" · 证据已删除 evidence erased {found.erased:,}"
        )
    return EXIT_FOUND if found.different else EXIT_OK


def _simulate(parsed: argparse.Namespace) -> int:
    from backend.settings import read_settings
    from backend.verify.rehearsing import simulate_on_database
    from scoring.methodology import CatalogueBroken

    if not _is_period(parsed.since, parsed.until):
        return _refuse([{"where": "--from", "what": "after --to", "do": "Swap the two days"}])
    try:
        candidate = _proposal(parsed.file, parsed.factors)
        result = asyncio.run(
            simulate_on_database(
                read_settings(),
                candidate,
                since=parsed.since,
                until=parsed.until,
                with_accounts=parsed.accounts,
                told=_told("accounts"),
            )
        )
    except CatalogueBroken as broken:
        return _refuse(_faults(broken.faults))
    if parsed.json:
        _print(result)
    else:
        print("\n".join(_simulation_lines(result)))
    return EXIT_OK


def _proposal(file: Path, factors: Path | None) -> Any:
    """The version in a file; one that cannot be read ends the command, faults are raised."""
    from scoring.methodology import read_proposal

    try:
        return read_proposal(file, factors)
    except (OSError, UnicodeDecodeError) as error:
        fault = {"where": str(file), "what": str(error), "do": "Name a file"}
        raise SystemExit(_fault_line(fault)) from None


def _simulation_lines(result: dict[str, Any]) -> Iterable[str]:
    change = result["grams_after"] - result["grams_before"]
    yield (
        f"{result['methodology_id']} {result['version']} · {result['from']} … {result['to']}"
        f" · {result['check_ins']:,} check-ins of {result['accounts']:,} accounts"
    )
    yield f"{result['grams_before']:,} g -> {result['grams_after']:,} g ({change:+,} g)"
    yield (
        f"gain: {result['accounts_gaining']:,} accounts, {result['grams_gained']:,} g"
        f" · lose: {result['accounts_losing']:,} accounts, {result['grams_lost']:,} g"
        f" · unchanged: {result['accounts_unchanged']:,}"
    )
    if result["not_covered"]:
        yield f"no longer counted: {result['not_covered']:,} check-ins"
    for name in ("by_methodology", "by_region"):
        for row in result[name]:
            yield f"  {row['name']:<15} {row['check_ins']:>9,} {row['change']:+,} g"
    for row in result["distribution"]:
        if row["accounts"]:
            low, high = row["from_grams"], row["to_grams"]
            words = "0 g" if low == high == 0 else f"{low if low is not None else '…'} … {high} g"
            yield f"  {words:<20} {row['accounts']:>9,} accounts"
    for row in result["largest_losses"]:
        name = row.get("account_id", "an account")
        yield f"  {name}: {row['change']:+,} g of {row['grams_before']:,}"


def _version(name: str, factors: Path | None) -> Any:
    """A version by file, hash, `id@version`, id or action.

    Raises:
        CannotCalculate: There is no such version.
        CatalogueBroken: The file cannot be used.
    """
    from scoring.methodology import UnknownVersion, load_catalogue, read_proposal

    if name.endswith(".toml"):
        return read_proposal(Path(name), factors)
    catalogue = load_catalogue()
    every = (*catalogue, *catalogue.drafts)
    methodology, _, number = name.partition("@")
    found = [
        each
        for each in every
        if (name and each.hash.startswith(name))
        or (methodology in {each.methodology_id, each.action} and number in {"", each.version})
    ]
    if not found:
        raise UnknownVersion(f"no version {name!r} in the installed files")
    return found[-1]


def _is_period(since: date | None, until: date | None) -> bool:
    return since is None or until is None or since <= until


def _faults(found: Iterable[Any]) -> list[dict[str, str]]:
    return [{"where": each.where, "what": each.what, "do": each.do} for each in found]


def _fault_line(fault: dict[str, str]) -> str:
    return f"✗ {fault['where']}: {fault['what']}. {fault['do']}."


def _refuse(faults: list[dict[str, str]]) -> int:
    for each in faults:
        print(_fault_line(each), file=sys.stderr)
    return EXIT_USAGE


def _told(things: str) -> Callable[[int], None]:
    """Say on standard error how far it is, every few seconds."""
    last = time.monotonic()

    def tell(done: int) -> None:
        nonlocal last
        if time.monotonic() - last >= PROGRESS_EVERY_S:
            last = time.monotonic()
            print(f"… {done:,} {things}", file=sys.stderr, flush=True)

    return tell


def _print(document: object) -> None:
    print(json.dumps(document, ensure_ascii=False, default=str))
