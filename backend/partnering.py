"""The commands about partners and cards: keys of servers and devices, and sheets of blank cards."""

import argparse
from collections.abc import Callable
from pathlib import Path


def add_partner_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `partner-key` and `cards` to the command line."""
    key = _add(
        commands, "partner-key", _partner_key, "make a key for a partner or device; shown once"
    )
    key.add_argument("name", help="name of the partner")
    key.add_argument("--scope", action="append", required=True, help="trip.report or bag.weigh")
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


def _add(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]",
    name: str,
    run: Callable[[argparse.Namespace], int],
    text: str,
) -> argparse.ArgumentParser:
    parser = commands.add_parser(name, help=text, description=text)
    parser.set_defaults(command=run)
    return parser


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
