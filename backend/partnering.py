"""The commands about partners: the keys of their servers and devices."""

import argparse
from collections.abc import Callable


def add_partner_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `partner-key` to the command line."""
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
