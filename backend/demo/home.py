"""Where a demo lives: a fresh folder that goes away with it, or the one that was asked for."""

import argparse
import atexit
import os
import shutil
import socket
import tempfile
from pathlib import Path

from backend.settings import Settings

FOLDER_PREFIX = "tanhui-demo-"
FOLDER_SETTING = "TANHUI_DATA_DIR"


def demo_settings(settings: Settings, arguments: argparse.Namespace, *, region: str) -> Settings:
    """Settings of the demo: everything real and embedded, but for who signs in and how often.

    A database of the operator's own is never touched. Rate limits are off because one machine plays
    a whole city, and points can be spent at once because its accounts are minutes old.
    """
    return settings.changed(
        data_dir=_folder(settings.data_dir),
        port=_port(settings, arguments),
        region=region,
        demo=True,
        dev_issuer=True,
        rate_limits=False,
        redemption_account_age_h=0,
        database_url="",
        migrate_url="",
        evidence_url="",
        claim_key="",
    )


def _folder(default: Path) -> Path:
    """The folder that was asked for, or a fresh one beside the default, removed at the exit.

    Beside the default, because as root the embedded server opens every parent folder to its user.
    Exit functions run last in, first out: the server registers its own later and stops before.
    """
    if FOLDER_SETTING in os.environ:
        default.mkdir(parents=True, exist_ok=True)
        return default
    default.parent.mkdir(parents=True, exist_ok=True)
    fresh = Path(tempfile.mkdtemp(prefix=FOLDER_PREFIX, dir=default.parent))
    atexit.register(shutil.rmtree, fresh, ignore_errors=True)
    return fresh


def _port(settings: Settings, arguments: argparse.Namespace) -> int:
    """The port that was asked for; any free one for a run that nobody visits afterwards."""
    if arguments.port is not None:
        return int(arguments.port)
    if arguments.once or not _is_free(settings.host, settings.port):
        return 0
    return settings.port


def _is_free(host: str, port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True
