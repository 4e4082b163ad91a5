"""The order of the rooms, as import-linter reads it from pyproject.toml, and inside a room."""

import ast
import subprocess
import sys
from pathlib import Path

from tests.architecture.source import ROOT, name_of, source_files, tree_of

# Inside a room, top may import below.
ORDER_INSIDE = ("routes", "steps", "queries", "tables", "domain")
ROOMS = sorted({path.parent for path in source_files() if path.name in {"domain.py", "tables.py"}})


def imported_by(path: Path) -> set[str]:
    modules: set[str] = set()
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.ImportFrom) and node.module:
            modules.add(node.module)
        elif isinstance(node, ast.Import):
            modules |= {alias.name for alias in node.names}
    return modules


def test_rooms_import_downwards_only():
    linter = Path(sys.executable).with_name("lint-imports")
    ran = subprocess.run(
        [linter, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False, timeout=100
    )
    assert ran.returncode == 0, ran.stdout[-4000:]


def test_inside_a_room_decisions_know_neither_queries_nor_steps():
    upward = set()
    for room in ROOMS:
        package = ".".join(room.relative_to(ROOT).parts)
        for rank, name in enumerate(ORDER_INSIDE):
            above = {f"{package}.{higher}" for higher in ORDER_INSIDE[:rank]}
            path = room / f"{name}.py"
            if path.exists():
                upward |= {(name_of(path), found) for found in imported_by(path) & above}
    assert upward == set()


def test_the_library_needs_no_database_no_http_and_no_clock():
    outside = {"aiohttp", "asyncio", "asyncpg", "backend", "sqlalchemy", "time"}
    found = {
        (name_of(path), module)
        for path in source_files()
        if path.is_relative_to(ROOT / "scoring")
        for module in imported_by(path)
        if module.split(".")[0] in outside
    }
    assert found == set()
