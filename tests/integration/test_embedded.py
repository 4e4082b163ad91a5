"""The embedded server comes back whatever killed it."""

import os
import signal
import tempfile
from pathlib import Path

from backend.embedded import EmbeddedServer, run_program


def test_a_server_that_was_killed_a_moment_ago_is_started_again():
    with tempfile.TemporaryDirectory(prefix="tanhui-embedded-") as folder:
        data_dir = Path(folder) / "pg"
        for _ in range(3):
            server = EmbeddedServer(data_dir, durable=False)
            os.kill(server.postmaster_pid, signal.SIGKILL)
        server = EmbeddedServer(data_dir, durable=False)
        server.ensure_database("again")
        assert run_program(server, "psql", "-d", "again", "-Atc", "SELECT 1", timeout_s=5) == "1\n"
        server.stop()
