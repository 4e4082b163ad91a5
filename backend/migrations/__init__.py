"""The schema's history, and the rights of the application role.

`migrate` runs as the owner; the service itself runs as `tanhui_app`, which owns nothing and may
neither change nor delete what is history.
"""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from backend.db import make_engine
from backend.methodologies.register import synchronise
from scoring.methodology import load_catalogue

LOCK_TIMEOUT = "2s"  # a migration gives up rather than queue every writer behind it
# Between two statements Python reads files: on a busy machine for longer than the usual 10 s.
IDLE_TIMEOUT = "5min"


def alembic_config(connection: object = None) -> Config:
    """Alembic's configuration without an ini file; a given connection is used as it is."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    config.attributes["connection"] = connection
    return config


async def migrate(owner_url: str) -> None:
    """Bring the schema to the newest revision, and register the installed methodologies.

    A second run changes nothing.

    Raises:
        SystemExit: A newer version has written this schema; going on would be a guess.
    """
    engine = make_engine(
        owner_url, server_settings={"idle_in_transaction_session_timeout": IDLE_TIMEOUT}
    )
    try:
        async with engine.begin() as conn:
            await conn.execute(text(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'"))
            await conn.run_sync(lambda sync: command.upgrade(alembic_config(sync), "head"))
            await synchronise(conn, load_catalogue())
    except CommandError as error:
        raise SystemExit(
            f"The database has a schema that this version does not know: {error}. Start the"
            " version that wrote it, or a newer one."
        ) from None
    finally:
        await engine.dispose()


async def is_current(conn: AsyncConnection) -> bool:
    """Whether the schema is at the newest revision this code knows."""
    from alembic.runtime.migration import MigrationContext
    from alembic.script import ScriptDirectory

    head = ScriptDirectory.from_config(alembic_config()).get_current_head()
    found = await conn.run_sync(
        lambda sync: MigrationContext.configure(sync).get_current_revision()
    )
    return found == head
