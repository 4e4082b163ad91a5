"""The commands about partners and cards: keys, a partner to try, and sheets of blank cards."""

import argparse
from collections.abc import Callable
from pathlib import Path

from backend.arguments import day


def add_partner_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `partner-key`, `partner` and `cards` to the command line."""
    key = _add(
        commands, "partner-key", _partner_key, "make a key for a partner or device; shown once"
    )
    key.add_argument("name", help="name of the partner")
    key.add_argument(
        "--scope", action="append", required=True, help="event.send, trip.report, bag.weigh, ..."
    )
    key.add_argument("--kind", choices=("partner", "device"), default="partner")
    key.add_argument(
        "--source", help="source of its events; the partner of a known one gets another key"
    )
    key.add_argument(
        "--type", action="append", default=[], help="event type that it may report (default: all)"
    )
    key.add_argument(
        "--region", action="append", default=[], help="six digits; where from (default: all)"
    )
    signing = key.add_mutually_exclusive_group()
    signing.add_argument(
        "--hmac", action="store_true", help="a key that signs by HMAC-SHA256, not a bearer text"
    )
    signing.add_argument(
        "--public-key", metavar="whpk_...", help="its Ed25519 key signs, whose public half this is"
    )
    cards = _add(commands, "cards", _cards, "make blank cards and a page to print them from")
    cards.add_argument("count", type=int, help="how many, at most 500")
    cards.add_argument("file", type=Path, help="HTML page to write; the only place of the codes")
    cards.add_argument("--title", default="碳惠 tanhui", help="name of the programme on the cards")

    text = "play a partner against an API, or import the files that partners have left"
    whats = commands.add_parser("partner", help=text, description=text)
    kinds = whats.add_subparsers(required=True, metavar="WHAT")
    _add_simulate(kinds)
    text = "import the files that partners have left; what was taken before is not taken again"
    _add(kinds, "import", _import, text)


def _add_simulate(whats: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    from backend.sandbox.kinds import KINDS

    text = "send a partner's day with duplicates, disorder, late events, corrections, withdrawals"
    simulate = _add(whats, "simulate", _simulate, text)
    simulate.add_argument(
        "--kind", choices=tuple(KINDS), default="metro", help="what is told of (default metro)"
    )
    simulate.add_argument(
        "--rate", type=int, default=100, help="rides, orders, ... a second (default 100)"
    )
    simulate.add_argument("--minutes", type=int, default=1, help="for how long (default 1)")
    simulate.add_argument("--seed", type=int, default=1, help="another seed is another plan")
    simulate.add_argument(
        "--base", default="http://127.0.0.1:8080", help="address of the API (default: this machine)"
    )
    simulate.add_argument("--key", help="bearer key, or name of the key that signs; or @FILE")
    signing = simulate.add_mutually_exclusive_group()
    signing.add_argument("--secret", help="whsec_... of the key that signs by HMAC; or @FILE")
    signing.add_argument(
        "--private-key", metavar="@FILE", help="PEM of the key that signs by Ed25519"
    )
    simulate.add_argument("--source", default="urn:tanhui:sandbox", help="source of the events")
    simulate.add_argument("--region", default="330100", help="six digits (default 330100)")
    simulate.add_argument(
        "--subject", help="names of customers, with {number} in it (default sim-SEED-{number:06d})"
    )
    simulate.add_argument("--customers", type=int, help="how many do it (default: ten each)")
    simulate.add_argument(
        "--thing",
        help="names of orders, receipts, meters, ... with {number} in it, or @FILE with one a line;"
        " bags need it: printed codes",
    )
    simulate.add_argument("--day", type=day, help="the day that is told of (default: yesterday)")
    simulate.add_argument("--print", action="store_true", help="print the events, send nothing")
    simulate.add_argument("--json", action="store_true", help="print the summary as JSON")


def _add(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]",
    name: str,
    run: Callable[[argparse.Namespace], int],
    text: str,
) -> argparse.ArgumentParser:
    parser = commands.add_parser(name, help=text, description=text)
    parser.set_defaults(command=run)
    return parser


def _simulate(parsed: argparse.Namespace) -> int:
    from backend.sandbox.command import simulate_partner

    return simulate_partner(parsed)


def _import(_: argparse.Namespace) -> int:
    from backend.maintenance import import_partner_files
    from backend.settings import read_settings

    return import_partner_files(read_settings())


def _partner_key(parsed: argparse.Namespace) -> int:
    from backend.maintenance import make_partner_key
    from backend.partners.domain import KeyTerms
    from backend.settings import read_settings

    return make_partner_key(
        read_settings(),
        KeyTerms(parsed.kind, parsed.scope, event_types=parsed.type, regions=parsed.region),
        name=parsed.name,
        source=parsed.source,
        public_key=parsed.public_key,
        is_hmac=parsed.hmac,
    )


def _cards(parsed: argparse.Namespace) -> int:
    from backend.maintenance import print_cards
    from backend.settings import read_settings

    return print_cards(read_settings(), count=parsed.count, file=parsed.file, title=parsed.title)
