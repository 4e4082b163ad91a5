"""`tanhui partner-key` makes keys that open something, and nothing else."""

import asyncio

import pytest

from backend.cli import main
from backend.db import APPLICATION_ROLE, fetch, make_engine


@pytest.fixture
def partners(server, database, tmp_path, monkeypatch):
    """Names and keys of the database that the command line is set to."""
    url = server.url(database, APPLICATION_ROLE)
    monkeypatch.setenv("TANHUI_DATABASE_URL", url)
    monkeypatch.setenv("TANHUI_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("TANHUI_CLAIM_KEY", "ab" * 32)

    def read():
        async def keys():
            engine = make_engine(url)
            async with engine.connect() as conn:
                rows = await fetch(
                    conn,
                    "SELECT name_zh, count(partner_key.id) AS keys FROM partner"
                    " LEFT JOIN partner_key ON partner_id = partner.id GROUP BY partner.id",
                )
            await engine.dispose()
            return {row.name_zh: row.keys for row in rows}

        return asyncio.run(keys())

    return read


METRO = ["partner-key", "青禾地铁", "--scope", "event.send", "--source", "urn:qinghe:metro"]


def test_the_partner_of_a_known_source_gets_another_key(partners, capsys):
    for more in (["--type", "tanhui.trip.v1", "--region", "330100"], ["--hmac"]):
        assert main([*METRO, *more]) == 0
    bearer, hmac = capsys.readouterr().out.splitlines()
    assert bearer.startswith("thk_")
    assert hmac.split()[1].startswith("whsec_")
    assert partners() == {"青禾地铁": 2}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([*METRO, "--scope", "event.sent"], "scopes/1: unknown_value. Known: bag.weigh"),
        ([*METRO, "--type", "tanhui.ride.v1"], "event_types/0: unknown_value. Known: tanhui."),
        ([*METRO, "--type", "tanhui.trip.corrected.v1"], "event_types/0: unknown_value"),
        ([*METRO, "--region", "33010"], "regions/0: unknown_value. No place of GB/T 2260."),
        ([*METRO, "--region", "840100"], "regions/0: unknown_value. No place of GB/T 2260."),
        ([*METRO[:-1], "metro of ours"], "source: unexpected"),
        (["partner-key", "  ", "--scope", "event.send"], "name_zh: blank"),
        (["partner-key", "a\u202eb", "--scope", "event.send"], "name_zh: control_character"),
    ],
)
def test_what_nobody_could_use_is_refused_and_makes_nothing(partners, capsys, arguments, said):
    assert main(arguments) == 2
    assert said in capsys.readouterr().err
    assert partners() == {}


def test_two_partners_never_speak_for_one_source(partners, capsys):
    assert main(METRO) == 0
    assert main([*METRO[:-1], "urn:qinghe:metro:line-4"]) == 2
    assert "urn:qinghe:metro:line-4" in capsys.readouterr().err
    assert partners() == {"青禾地铁": 1}
