"""The session of the README, run against the real service on a database of its own."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SESSION = re.compile(
    r"<!-- session: begin.*?-->\n```bash\n(.*?)```\n<!-- session: end -->", re.DOTALL
)
START_S_MAX = 60
METRO_12_KM_SELF_DECLARED_G = 280  # floor(12 x 46.7 x 0.5)


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


@contextmanager
def serving(data_dir: Path):
    port = free_port()
    environment = os.environ | {
        "TANHUI_DATA_DIR": str(data_dir),
        "TANHUI_DEV_ISSUER": "1",
        "TANHUI_PORT": str(port),
    }
    command = [Path(sys.executable).with_name("tanhui"), "serve"]
    log = data_dir.parent / "serve.log"
    with log.open("wb") as output:
        service = subprocess.Popen(command, env=environment, stdout=output, stderr=output)
    try:
        wait_until_ready(f"http://127.0.0.1:{port}", service, log)
        yield f"http://127.0.0.1:{port}"
    finally:
        service.send_signal(signal.SIGTERM)
        service.wait(timeout=40)


def wait_until_ready(base: str, service: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + START_S_MAX
    while time.monotonic() < until and service.poll() is None:
        try:
            with urllib.request.urlopen(f"{base}/readyz", timeout=2) as answer:
                assert answer.status == 200
                return
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.2)
    pytest.fail(f"tanhui serve was not ready: {log.read_text()[-2000:]}")


def wait_until_public(base: str, grams: int) -> None:
    until = time.monotonic() + START_S_MAX
    while True:
        with urllib.request.urlopen(f"{base}/v1/public/totals", timeout=2) as answer:
            totals = json.load(answer)
        if totals["grams"] == grams:
            return
        assert time.monotonic() < until, totals
        time.sleep(0.1)


@pytest.mark.integration
def test_the_session_of_the_readme_runs(tmp_path):
    (session,) = SESSION.findall((ROOT / "README.md").read_text(encoding="utf-8"))
    with serving(tmp_path / "data") as base:
        ran = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", session],
            env=os.environ | {"BASE": base},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        # The session prints the public totals once; they follow the accounts a moment later.
        wait_until_public(base, METRO_12_KM_SELF_DECLARED_G)
    assert ran.returncode == 0, ran.stderr
    first, again, account, transfers, totals = map(json.loads, ran.stdout.splitlines())
    assert first["id"] == again["id"]
    assert account["grams"] == METRO_12_KM_SELF_DECLARED_G
    assert [item["amount"] for item in transfers["items"]] == [METRO_12_KM_SELF_DECLARED_G]
    assert totals["grams"] in {0, METRO_12_KM_SELF_DECLARED_G}
