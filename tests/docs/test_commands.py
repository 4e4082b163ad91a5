import re
import subprocess

from tests.docs.reference_tables import DOCS

ROOT = DOCS.parent
PROMISED = {
    *("help", "setup", "demo", "test", "check", "fix", "serve", "bench", "docs", "screenshots"),
    *("faults", "image"),
}
TEXTS = [*ROOT.glob("*.md"), *DOCS.rglob("*.md")]


def listed_commands() -> set[str]:
    shown = subprocess.run(
        ["make", "--no-print-directory", "help"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    )
    return set(re.findall(r"^  make ([a-z]+)", shown.stdout, re.MULTILINE))


def test_make_help_lists_every_command():
    assert listed_commands() == PROMISED


def test_pages_name_only_commands_that_exist():
    named = re.compile(r"(?:`|^)make ([a-z]+)", re.MULTILINE)
    used = {match for path in TEXTS for match in named.findall(path.read_text(encoding="utf-8"))}
    assert used - listed_commands() == set()


def test_pages_name_only_commands_of_tanhui_that_exist():
    from backend.cli import _parser

    (commands,) = [action for action in _parser()._actions if action.choices]
    named = re.compile(r"(?:`|^|/)tanhui ([a-z-]+)", re.MULTILINE)
    used = {match for path in TEXTS for match in named.findall(path.read_text(encoding="utf-8"))}
    assert used - set(commands.choices or ()) == set()
