"""A bell that rings when another process has committed something of interest (LISTEN / NOTIFY).

The bell only saves time: whoever waits for it also looks by itself now and then, so a lost
notification or a cut connection delays and never loses.
"""

import asyncio
from contextlib import suppress

from sqlalchemy.ext.asyncio import AsyncEngine

RECONNECT_AFTER_S = 1.0
CONNECTION_CHECK_S = 5.0  # a silent cut is noticed within this time


class Bell:
    """Rings for everybody who waits, once per committed NOTIFY on `channel`."""

    def __init__(self, engine: AsyncEngine, channel: str) -> None:
        """Prepare; `serve` must be running for the bell to ring."""
        self._engine = engine
        self._channel = channel
        self._event = asyncio.Event()

    def ring(self, *_: object) -> None:
        """Wake everybody who waits."""
        self._event.set()
        self._event = asyncio.Event()

    async def wait(self, timeout_s: float) -> None:
        """Return at the next ring, or after `timeout_s` seconds."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._event.wait(), timeout_s)

    async def serve(self) -> None:
        """Keep a listening connection until cancelled."""
        while True:
            # Its driver is spoken to directly, and raises errors of its own where it is cut off.
            with suppress(Exception):
                await self._listen()
            raise_if_cancelled()
            self.ring()
            await asyncio.sleep(RECONNECT_AFTER_S)

    async def _listen(self) -> None:
        async with self._engine.connect() as conn:
            raw = (await conn.get_raw_connection()).driver_connection
            assert raw is not None, "an open connection has its driver's connection"
            await raw.add_listener(self._channel, self.ring)
            try:
                while not raw.is_closed():
                    await raw.execute("SELECT 1")
                    await asyncio.sleep(CONNECTION_CHECK_S)
            finally:
                with suppress(Exception):
                    await raw.remove_listener(self._channel, self.ring)


def raise_if_cancelled() -> None:
    """A cancellation that the driver turned into an error of its own must still stop us."""
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError
