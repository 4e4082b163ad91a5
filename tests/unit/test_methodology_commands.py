"""`tanhui methodology`: what an auditor asks of the installed files, without a database."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from backend.cli import main
from scoring.methodology import load_catalogue
from scoring.methodology.catalogue import packaged_texts

PLATE = packaged_texts("catalogue")["TPH-FOOD-01_v1.0.0.toml"]
CATALOGUE = load_catalogue()


@pytest.fixture
def file(tmp_path):
    def written(text):
        path = tmp_path / "new.toml"
        path.write_text(text)
        return str(path)

    return written


def test_list_names_every_version_and_says_which_are_drafts(capsys):
    assert main(["methodology", "list", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)["versions"]
    assert [each["hash"] for each in rows] == [
        each.hash for each in (*CATALOGUE, *CATALOGUE.drafts)
    ]
    assert [bool(each["draft"]) for each in rows].count(True) == len(CATALOGUE.drafts)
    assert main(["methodology", "list"]) == 0
    assert "clean_plate" in capsys.readouterr().out


@pytest.mark.parametrize(
    "name", ["TPH-FOOD-01", "TPH-FOOD-01@1.0.0", "clean_plate", CATALOGUE.methodology_of("metro")]
)
def test_show_finds_a_version_by_any_of_its_names(name, capsys):
    assert main(["methodology", "show", name]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["methodology"]["id"].startswith("TPH-")
    assert shown["factors"]


def test_show_finds_a_version_by_the_beginning_of_its_hash(capsys):
    version = CATALOGUE.versions_of("TPH-FOOD-01")[0]
    assert main(["methodology", "show", version.hash[:10]]) == 0
    assert json.loads(capsys.readouterr().out)["hash"] == version.hash


def test_show_of_what_is_not_there_is_wrong_input(capsys):
    assert main(["methodology", "show", "TPH-FOOD-99"]) == 2
    assert "TPH-FOOD-99" in capsys.readouterr().err


def test_diff_says_each_field_that_differs(file, capsys):
    new = file(PLATE.replace("most = 3", "most = 2").replace("grams = 377", "grams = 251"))
    assert main(["methodology", "diff", "TPH-FOOD-01", new, "--json"]) == 1
    changes = json.loads(capsys.readouterr().out)["changes"]
    caps = [each for each in changes if each["path"].startswith("cap")]
    assert caps == [{"path": "cap(meals).most", "old": 3, "new": 2}]
    assert main(["methodology", "diff", "TPH-FOOD-01", file(PLATE)]) == 0
    assert capsys.readouterr().out == ""


def test_check_says_every_fault_and_what_to_do(file, capsys):
    broken = file(PLATE.replace("most = 3", "most = 0").replace('"scene"', '"x"'))
    assert main(["methodology", "check", broken, "--json"]) == 1
    faults = json.loads(capsys.readouterr().out)["faults"]
    assert len(faults) == 2
    assert all(each["do"] for each in faults)
    assert main(["methodology", "check", broken]) == 1
    assert capsys.readouterr().out.count("✗") == 2
    assert main(["methodology", "check", file("") + ".gone"]) == 2


def test_an_auditor_needs_no_server_for_it():
    """The commands of the pure library import neither a database driver nor an HTTP server."""
    program = (
        "import sys; from backend.cli import main; main(['methodology', 'list']);"
        " print([n for n in ('sqlalchemy', 'aiohttp', 'asyncpg', 'msgspec') if n in sys.modules])"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60
    )
    assert ran.stdout.splitlines()[-1] == "[]"


def test_a_reader_who_has_seen_enough_is_no_error():
    tanhui = Path(sys.executable).with_name("tanhui")
    read, write = os.pipe()
    os.close(read)
    ran = subprocess.run(
        [tanhui, "calculate", "clean_plate", "--input", '{"meals": 1}', "--on", "2026-11-01"],
        stdout=write,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    os.close(write)

    assert (ran.returncode, ran.stderr) == (0, "")
