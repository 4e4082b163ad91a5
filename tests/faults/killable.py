"""`tanhui serve` as a process on a durable database of its own, to be killed without warning."""

import asyncio
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import aiohttp

from backend.campaigns.domain import PROGRAMME_FUND
from backend.campaigns.queries import top_up
from backend.db import fetch, make_engine, run
from backend.partners.queries import issue_key, make_partner
from backend.recycling.queries import add_bags

TANHUI = Path(sys.executable).with_name("tanhui")
START_S_MAX = 90  # the first start makes a database, on a machine that has much else to do
END_S_MAX = 30
SCALE_OWNER = "00000000-0000-7000-8000-0000000000b1"
BAGS = 2_000


class Killable:
    """A deployment in a folder; the process group of its service can be killed and started."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = _free_port()
        self.base = f"http://127.0.0.1:{self.port}"
        self.scale_key = ""
        self._service: subprocess.Popen[bytes] | None = None

    @property
    def environment(self):
        kept = {name: value for name, value in os.environ.items() if not name.startswith("TANHUI_")}
        return kept | {
            "TANHUI_DATA_DIR": str(self.folder / "data"),
            "TANHUI_DEV_ISSUER": "1",
            "TANHUI_RATE_LIMITS": "0",
            # Webhooks go to the test itself.
            "TANHUI_DEMO": "1",
            "TANHUI_WEBHOOK_ANYWHERE": "1",
            "TANHUI_PORT": str(self.port),
        }

    def spawn(self) -> subprocess.Popen[bytes]:
        with (self.folder / "serve.log").open("ab") as log:
            return subprocess.Popen(
                [TANHUI, "serve"],
                env=self.environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    async def start(self) -> None:
        self._service = self.spawn()
        ends_at = time.monotonic() + START_S_MAX
        async with aiohttp.ClientSession(self.base) as session:
            while not await _is_ready(session):
                assert self._service.poll() is None, self.log()
                assert time.monotonic() < ends_at, self.log()
                await asyncio.sleep(0.1)

    def log(self) -> str:
        return (self.folder / "serve.log").read_text()[-4_000:]

    async def kill(self) -> None:
        """SIGKILL the service and its workers; the database is another group and lives on."""
        assert self._service is not None
        os.killpg(self._service.pid, signal.SIGKILL)
        await asyncio.to_thread(self._service.wait, END_S_MAX)

    async def kill_database(self) -> None:
        """SIGKILL the postmaster, and wait until its children have noticed."""
        os.kill(self.postmaster_pid, signal.SIGKILL)
        await asyncio.to_thread(_wait_for_the_end, self.folder / "data")

    async def run(
        self, *arguments: str, timeout_s: float = START_S_MAX
    ) -> subprocess.CompletedProcess[str]:
        return await asyncio.to_thread(
            subprocess.run,
            [TANHUI, *arguments],
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
        )

    async def stop(self) -> None:
        """End in order what still runs, whatever the test did."""
        if self._service is not None and self._service.poll() is None:
            self._service.send_signal(signal.SIGTERM)
            with suppress(subprocess.TimeoutExpired):
                await asyncio.to_thread(self._service.wait, END_S_MAX)
        with suppress(FileNotFoundError, ProcessLookupError):
            os.kill(self.postmaster_pid, signal.SIGINT)
        await asyncio.to_thread(_wait_for_the_end, self.folder / "data")

    @property
    def postmaster_pid(self) -> int:
        return int(self._postmaster_lines()[0])

    def _postmaster_lines(self) -> list[str]:
        return (self.folder / "data/postgresql/postmaster.pid").read_text().splitlines()

    @asynccontextmanager
    async def database(self):
        """An engine of the owner, for seeding and for looking."""
        socket_folder = self._postmaster_lines()[4]
        url = f"postgresql+asyncpg://postgres@/tanhui?host={socket_folder}"
        engine = make_engine(url, pool_size=1)
        try:
            yield engine
        finally:
            await engine.dispose()

    async def fetch(self, sql, **values):
        async with self.database() as engine, engine.connect() as conn:
            return await fetch(conn, sql, **values)

    async def execute(self, sql) -> None:
        async with self.database() as engine, engine.begin() as conn:
            await run(conn, sql)

    async def seed(self) -> None:
        """A fund, printed bags, a scale's key, and a meal that lasts all day."""
        async with self.database() as engine, engine.begin() as conn:
            await top_up(conn, PROGRAMME_FUND, 1_000_000)
            await add_bags(conn, [f"BAG{number:05d}" for number in range(BAGS)])
            await make_partner(conn, SCALE_OWNER, name_zh="站", name_en="Depot", source="urn:depot")
            self.scale_key = await issue_key(conn, SCALE_OWNER, kind="device", scopes=["bag.weigh"])
            await run(conn, "UPDATE meal_window SET opens_minute = 1439, closes_minute = 1440")
            await run(
                conn,
                "UPDATE meal_window SET opens_minute = 0, closes_minute = 1440 WHERE id = 'lunch'",
            )


@asynccontextmanager
async def killable():
    """A started and seeded deployment; ends with everything that it started."""
    # Not in pytest's folder: a second pytest closes that one to the database's own user.
    folder = Path(tempfile.mkdtemp(prefix="tanhui-killed-"))
    deployment = Killable(folder)
    try:
        await deployment.start()
        await deployment.seed()
        yield deployment
    finally:
        await deployment.stop()
        await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)


async def _is_ready(session) -> bool:
    try:
        async with session.get("/readyz", timeout=aiohttp.ClientTimeout(total=5)) as answer:
            return answer.status == 200
    except (aiohttp.ClientError, TimeoutError):
        return False


def _wait_for_the_end(data: Path) -> None:
    """Until no process works in the database's folder; a zombie holds no file and no lock."""
    ends_at = time.monotonic() + END_S_MAX
    while _working_in(data / "postgresql"):
        assert time.monotonic() < ends_at, "the database's processes did not end"
        time.sleep(0.1)


def _working_in(folder: Path) -> bool:
    for entry in Path("/proc").iterdir():
        with suppress(OSError):
            if entry.name.isdigit() and (entry / "cwd").readlink() == folder:
                return True
    return False


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]
