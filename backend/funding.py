"""The command about funds: show them or their alerts, and put points into one, on record."""

import argparse
import os
from getpass import getuser
from uuid import UUID

from backend.arguments import whole

POINTS_MAX = 10**15  # sums of many budgets still fit into their columns


def add_fund_command(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `fund` to the command line."""
    text = "show funds or their alerts, or put points into one"
    fund = commands.add_parser("fund", help=text, description=text)
    fund.set_defaults(command=_fund)
    one = fund.add_mutually_exclusive_group()
    one.add_argument("--top-up", type=whole(1, POINTS_MAX), metavar="POINTS", help="points to add")
    one.add_argument("--alerts", action="store_true", help="list the alerts, newest first")
    fund.add_argument(
        "--to", type=UUID, metavar="FUND", help="id of the fund; by default the programme's"
    )
    fund.add_argument("--reason", help="why points are added; on record beside who and when")
    fund.add_argument("--by", metavar="NAME", help="who adds them (default: this machine's user)")


def _fund(parsed: argparse.Namespace) -> int:
    from backend.maintenance import show_fund_alerts, show_funds
    from backend.settings import read_settings

    if parsed.top_up is not None:
        return _top_up(parsed)
    if parsed.reason or parsed.by:
        raise SystemExit("--reason and --by go with --top-up.")
    return (show_fund_alerts if parsed.alerts else show_funds)(read_settings())


def _top_up(parsed: argparse.Namespace) -> int:
    from backend.campaigns.domain import PROGRAMME_FUND
    from backend.maintenance import top_up_fund
    from backend.settings import read_settings

    if parsed.reason is None:
        raise SystemExit('A top-up needs a reason: --reason "second half of 2026".')
    fund_id, by = parsed.to or PROGRAMME_FUND, parsed.by or _user()
    return top_up_fund(read_settings(), fund_id, parsed.top_up, reason=parsed.reason, by=by)


def _user() -> str:
    try:
        return getuser()
    except (KeyError, OSError):  # containers run as numbers that have no name
        return f"uid-{os.getuid()}"
