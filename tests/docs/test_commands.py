import re
import subprocess

from tests.docs.reference_tables import DOCS

ROOT = DOCS.parent
PROMISED = {
    *("help", "setup", "demo", "test", "check", "fix", "serve", "bench", "docs", "screenshots"),
    *("faults", "mutate", "image"),
}
TEXTS = [*ROOT.glob("*.md"), *DOCS.rglob("*.md")]
CODE = re.compile(r"```.*?```|`[^`\n]+`", re.DOTALL)


def named_in_code(command: str) -> set[str]:
    named = re.compile(rf"(?:^|[`/ ]){command} ([a-z][a-z-]*)", re.MULTILINE)
    code = (found for path in TEXTS for found in CODE.findall(path.read_text(encoding="utf-8")))
    return {name for found in code for name in named.findall(found)}


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
    assert named_in_code("make") - listed_commands() == set()


def test_pages_name_only_commands_of_tanhui_that_exist():
    from backend.cli import _parser

    (commands,) = [action for action in _parser()._actions if action.choices]
    assert named_in_code("tanhui") - set(commands.choices or ()) == set()
