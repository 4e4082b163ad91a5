"""What the benchmarks share: a server of their own, alternated sides, one JSON object."""

import json
import os
import platform
import shutil
import signal
import statistics
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import uvloop

from backend.db import APPLICATION_ROLE
from backend.embedded import EmbeddedServer, run_program
from backend.migrations import migrate
from backend.settings import default_data_dir

# The packages that the measured paths run on; a newer one may explain a newer figure.
PACKAGES: Final = (
    *("aiohttp", "asyncpg", "msgspec", "numpy", "onnxruntime", "pillow", "sqlalchemy", "uvloop"),
)
ADMIN_S_MAX: Final = 300.0  # VACUUM and CHECKPOINT of a loaded database, pgbench -i -s 50
STOPPED = 128 + signal.SIGTERM

Side = Callable[[int], float]


@dataclass(frozen=True, slots=True)
class Lab:
    """A durable PostgreSQL in a folder that goes away with it."""

    server: EmbeddedServer
    folder: Path

    def make_database(self, name: str) -> str:
        """A migrated database; gives its address for the application role."""
        self.server.ensure_database(name)
        uvloop.run(migrate(self.server.url(name)))
        return self.server.url(name, APPLICATION_ROLE)

    def administer(self, database: str, *statements: str, timeout_s: float = ADMIN_S_MAX) -> None:
        """Run statements as the owner, each by itself; `timeout_s` is for all of them."""
        commands = [part for each in statements for part in ("-c", each)]
        run_program(self.server, "psql", "-q", "-d", database, *commands, timeout_s=timeout_s)

    def settle(self, database: str) -> None:
        """Leave no dirty page behind, so that no side pays for what the other one wrote."""
        self.administer(database, "CHECKPOINT")


@contextmanager
def open_lab() -> Iterator[Lab]:
    """Start a server with fsync on, beside the data folder of the service; remove it afterwards."""
    beside = default_data_dir().parent
    beside.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="tanhui-bench-", dir=beside))
    folder.chmod(0o755)  # as root, the server runs under a user of its own
    # A run that is told to stop still stops its server; SIGTERM alone would leave it behind.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(STOPPED))
    try:
        server = EmbeddedServer(folder / "postgresql")
        try:
            yield Lab(server, folder)
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def alternate(ours: Side, rival: Side, rounds: int) -> tuple[list[float], list[float]]:
    """Measure both sides in each round; who begins changes, so that no drift favours one."""
    results: dict[Side, list[float]] = {ours: [], rival: []}
    for number in range(rounds):
        for side in (ours, rival) if number % 2 == 0 else (rival, ours):
            results[side].append(side(number))
    return results[ours], results[rival]


def compare(
    name: str, ours: Sequence[float], rival: Sequence[float], *, unit: str, ran: Mapping[str, Any]
) -> None:
    """Print both sides by their medians."""
    ours_median, rival_median = statistics.median(ours), statistics.median(rival)
    conclude(
        name,
        ours=round(ours_median, 1),
        rival=round(rival_median, 1),
        ratio=round(ours_median / rival_median, 3),
        unit=unit,
        ran={**ran, "ours_by_round": _rounded(ours), "rival_by_round": _rounded(rival)},
    )


def conclude(
    name: str,
    *,
    ours: float,
    rival: float | None,
    ratio: float | None,
    unit: str,
    ran: Mapping[str, Any],
) -> None:
    """Print the one JSON object that the last line is."""
    found = {"name": name, "ours": ours, "rival": rival, "ratio": ratio, "unit": unit}
    print(json.dumps({**found, "ran": {**ran, **_machine()}}, ensure_ascii=False), flush=True)


def quantile(values: Sequence[float], share: float) -> float:
    """The smallest value that `share` of the values do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, -(-int(share * 1_000) * len(ordered) // 1_000) - 1)]


def quantiles(milliseconds: Sequence[float]) -> dict[str, float]:
    """Half, 95 and 99 of 100 took no longer than this."""
    shares = {"p50_ms": 0.50, "p95_ms": 0.95, "p99_ms": 0.99}
    return {
        name: round(quantile(milliseconds, share), 1) if milliseconds else 0.0
        for name, share in shares.items()
    }


def _rounded(values: Sequence[float]) -> list[float]:
    return [round(value, 1) for value in values]


def _machine() -> dict[str, Any]:
    """Where it ran; the load average tells whether it ran alone."""
    return {
        "cores": os.cpu_count(),
        "cpu": _cpu(),
        "load_average": [round(value, 2) for value in os.getloadavg()],
        "python": platform.python_version(),
        "versions": {name: version(name) for name in ("tanhui", *PACKAGES)},
    }


def _cpu() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.is_file() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
