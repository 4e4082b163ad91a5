"""A database that is there and lets nobody in: one line that names the setting, and exit code 2."""

import pytest
from asyncpg import InvalidPasswordError
from sqlalchemy.exc import DBAPIError

from backend.arguments import run_in_words
from backend.cli import main
from backend.db import APPLICATION_ROLE


@pytest.fixture
def connect_as(server, database, monkeypatch, tmp_path):
    """Have commands use a role and a database, which is there unless another one is named."""
    monkeypatch.setenv("TANHUI_DATA_DIR", str(tmp_path))

    def use(role, name=database):
        for setting in ("TANHUI_DATABASE_URL", "TANHUI_MIGRATE_URL"):
            monkeypatch.setenv(setting, server.url(name, role))

    return use


@pytest.mark.parametrize("command", [["verify"], ["fund"], ["migrate"], ["bags", "list"]])
@pytest.mark.parametrize("wrong", [["nobody"], [APPLICATION_ROLE, "nowhere"]])
def test_a_database_that_does_not_let_us_in_is_said_in_a_line(connect_as, capsys, command, wrong):
    connect_as(*wrong)
    assert main(command) == 2
    told = capsys.readouterr()
    assert (told.out, len(told.err.splitlines())) == ("", 1)
    assert f'"{wrong[-1]}" does not exist' in told.err
    assert "Check TANHUI_DATABASE_URL" in told.err


WRONG = InvalidPasswordError('password authentication failed for user "tanhui_app"')


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (WRONG, "does not let us in: password authentication failed"),
        (DBAPIError("SELECT 1", None, WRONG), "does not let us in: password authentication failed"),
        (OSError("Multiple exceptions: [Errno 111], [Errno 111]"), "cannot be reached: Multiple"),
        (OSError(113, "No route to host"), "cannot be reached: [Errno 113] No route to host"),
        (TimeoutError(), "cannot be reached: no answer in time"),
    ],
)
def test_what_a_driver_says_becomes_a_line(error, said, capsys):
    assert run_in_words(raising(error)) == 2
    told = capsys.readouterr().err
    assert said in told
    assert len(told.splitlines()) == 1


@pytest.mark.parametrize("error", [KeyError("x"), OSError(28, "No space left", "a_file")])
def test_other_errors_keep_their_traceback(error):
    with pytest.raises(type(error)):
        run_in_words(raising(error))


def raising(error):
    def command():
        raise error

    return command
