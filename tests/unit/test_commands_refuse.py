"""Arguments that nobody could mean: a sentence and exit code 2, and nothing is opened or made."""

import os
import subprocess
import sys

import pytest

from backend.cli import main
from scoring.methodology.catalogue import packaged_texts

PLATE = packaged_texts("catalogue")["TPH-FOOD-01_v1.0.0.toml"]
DAYS = ["--from", "2026-11-01", "--to", "2026-11-30"]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A working folder with files that are none; no database is set, and none may be needed."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TANHUI_DATABASE_URL", "postgresql+asyncpg://tanhui_app@127.0.0.1:9/none")
    (tmp_path / "a_file").write_text("a note")
    (tmp_path / "gbk.toml").write_text("title = '光盘'", "gb18030")
    (tmp_path / "gbk.txt").write_text("袋码", "gb18030")
    return tmp_path


def told(arguments, capsys):
    """What a command says, and its exit code; `argparse` ends the process itself."""
    try:
        code = main(arguments)
    except SystemExit as ended:
        code = ended.code
    printed = capsys.readouterr()
    assert printed.out == ""
    return code, printed.err


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["outbox", "--replay", "abc"], "from 1 to 9223372036854775807, not 'abc'"),
        (["outbox", "--replay", "9" * 19], "from 1 to 9223372036854775807"),
        (["outbox", "--replay", "9" * 5_000], "from 1 to 9223372036854775807"),
        (["outbox", "--replay", "²"], "from 1 to 9223372036854775807, not '²'"),
        (["outbox", "--replay", "all", "5"], "Either all, or ids."),
        (["outbox", "--limit", "0"], "from 1 to"),
        (["outbox", "--limit", "-1"], "from 1 to"),
        (["outbox", "--after", "9" * 20], "from 0 to"),
        (["fund", "--top-up", "0"], "from 1 to 1000000000000000, not '0'"),
        (["fund", "--top-up", "9" * 19], "from 1 to 1000000000000000"),
        (["fund", "--to", "programme", "--top-up", "5"], "invalid UUID value: 'programme'"),
        (["fund", "--alerts", "--top-up", "5"], "not allowed with argument"),
        (["fund", "--top-up", "5"], "A top-up needs a reason: --reason"),
        (["fund", "--top-up", "5", "--reason", "x"], "reason: unexpected"),
        (["fund", "--reason", "more"], "--reason and --by go with --top-up."),
        (["serve", "--port", "65536"], "from 0 to 65535"),
        (["api", "--port", "-1"], "from 0 to 65535"),
        (["demo", "--port", "http"], "from 0 to 65535"),
        (["cards", "0", "cards.html"], "A sheet has 1 to 500 cards."),
        (["cards", "1", "missing/cards.html"], "missing/cards.html cannot be written"),
        (["cards", "1", "a_file"], "a_file is there already"),
        (["bags", "make", "0"], "A batch has 1 to 5000 codes"),
        (["bags", "make", "5", "--to", "a_file"], "a_file cannot be written"),
        (["bags", "make", "5", "--note", "x" * 201], "at most 200 characters, not 201"),
        (["bags", "list", "--before", "9" * 20], "from 1 to"),
        (["bags", "register", "missing"], "missing cannot be read: No such file"),
        (["bags", "register", "."], ". cannot be read: Is a directory."),
        (["bags", "register", "gbk.txt"], "gbk.txt is not UTF-8."),
        (["review", "export", "a_file/out"], "a_file/out cannot be written"),
        (["methodology", "show", "missing.toml"], "missing.toml"),
        (["methodology", "diff", "TPH-FOOD-01", "missing.toml"], "01, missing.toml: "),
        (["calculate", "metro", "--input", "{}", "--on", "today"], "2026-11-21, not 'today'"),
        (["recompute", "--from", "2026-11-31"], "a day such as 2026-11-21, not '2026-11-31'"),
        (["methodology", "show", "gbk.toml"], "gbk.toml"),
        (["methodology", "show", ""], "no version ''"),
        (["methodology", "diff", "gbk.toml", "TPH-FOOD-01"], "can't decode"),
        (["simulate", "gbk.toml", *DAYS], "gbk.toml"),
        (["bench", "__init__"], "Benchmarks run from a checkout"),
        (["bench", "../credit"], "Benchmarks run from a checkout"),
        (["partner-key", "a\udcff", "--scope", "event.send"], "An argument is not UTF-8."),
    ],
)
def test_what_nobody_could_mean_is_said_in_a_sentence(arguments, said, capsys):
    code, words = told(arguments, capsys)
    assert said in words
    assert code == 2


@pytest.mark.parametrize("value", ["[" * 5_000, "1" * 5_000])
def test_toml_without_end_is_a_fault_of_its_file(folder, value, capsys):
    (folder / "new.toml").write_text(f"x = {value}\n{PLATE}")
    for arguments, expected in (
        (["methodology", "show", "new.toml"], 2),
        (["methodology", "diff", "new.toml", "TPH-FOOD-01"], 2),
        (["simulate", "new.toml", *DAYS], 2),
    ):
        code, words = told(arguments, capsys)
        assert (code, "new.toml: not TOML" in words) == (expected, True)
    assert main(["methodology", "check", "new.toml"]) == 1
    assert "new.toml: not TOML" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("address", "arguments"),
    [
        ("127.0.0.1:9", ["verify"]),
        ("nowhere.invalid", ["verify"]),
        ("127.0.0.1:9", ["simulate", "new.toml", *DAYS]),  # and no fault of the file
    ],
)
def test_a_database_that_cannot_be_reached_is_no_finding(address, arguments, tmp_path):
    (tmp_path / "new.toml").write_text(PLATE.replace('"1.0.0"', '"1.1.0"'))
    url = f"postgresql+asyncpg://tanhui_app@{address}/tanhui"
    done = subprocess.run(
        [sys.executable, "-m", "backend.cli", *arguments],
        cwd=tmp_path,
        env={**os.environ, "TANHUI_DATABASE_URL": url, "TANHUI_DATA_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("The database, or what else the settings name, cannot be reached")
