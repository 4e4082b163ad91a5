"""What the architecture tests look at: the files of this checkout and their syntax trees."""

import ast
import importlib
import pkgutil
import subprocess
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("backend", "scoring", "models")

Function = ast.FunctionDef | ast.AsyncFunctionDef


@cache
def source_files() -> tuple[Path, ...]:
    found = [path for package in PACKAGES for path in (ROOT / package).rglob("*.py")]
    return tuple(sorted(path for path in found if "versions" not in path.parts))


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def functions_of(path: Path) -> list[Function]:
    return [node for node in ast.walk(tree_of(path)) if isinstance(node, Function)]


def classes_of(path: Path) -> list[ast.ClassDef]:
    return [node for node in ast.walk(tree_of(path)) if isinstance(node, ast.ClassDef)]


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@cache
def import_backend() -> tuple[str, ...]:
    import backend

    names = [
        module.name
        for module in pkgutil.walk_packages(backend.__path__, "backend.")
        if not module.name.startswith("backend.migrations.")
    ]
    for name in names:
        importlib.import_module(name)
    return tuple(names)


@cache
def tracked_files() -> tuple[Path, ...]:
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False, timeout=30
    )
    names = listed.stdout.decode().split("\0")
    return tuple(ROOT / name for name in names if name and (ROOT / name).is_file())


def page(name: str) -> str:
    return (ROOT / "docs" / name).read_text(encoding="utf-8")
