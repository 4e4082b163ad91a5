"""The claim key: with another one every photo would count again, so a broken one is never used."""

import pytest

from backend.deployment import CLAIM_KEY_FILE, claim_secret
from backend.settings import Settings

WHOLE = "5a" * 32
NOT_WHOLE = ["5a" * 31, "5a" * 33, "zz" * 32, "5a"]


def test_the_first_start_makes_a_key_that_later_ones_find(tmp_path):
    settings = Settings(data_dir=tmp_path)
    made = claim_secret(settings)
    assert len(made) == 32
    assert claim_secret(settings) == made
    [file] = tmp_path.iterdir()
    assert (file.name, file.stat().st_mode & 0o777) == (CLAIM_KEY_FILE, 0o600)


def test_a_key_that_is_set_is_used(tmp_path):
    assert claim_secret(Settings(data_dir=tmp_path, claim_key=WHOLE)) == bytes.fromhex(WHOLE)


@pytest.mark.parametrize("text", NOT_WHOLE)
def test_a_key_that_is_set_and_not_whole_stops_the_start(tmp_path, text):
    with pytest.raises(SystemExit, match="TANHUI_CLAIM_KEY"):
        claim_secret(Settings(data_dir=tmp_path, claim_key=text))


@pytest.mark.parametrize("text", ["", *NOT_WHOLE])
def test_a_file_that_a_crash_left_without_its_key_stops_the_start(tmp_path, text):
    (tmp_path / CLAIM_KEY_FILE).write_text(text)
    with pytest.raises(SystemExit, match=CLAIM_KEY_FILE):
        claim_secret(Settings(data_dir=tmp_path))
