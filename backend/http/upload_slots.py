"""Room for the forms that are in memory at a time: in all, and of one caller."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from aiohttp import web

from backend.http.edge import retry_after
from backend.http.principal import Principal
from backend.http.refusals import Overloaded, TooManyUploads

UPLOADS_MAX: Final = 32  # 12 MB each, kept twice while a form is cut: under 800 MB at the worst
# A phone sends one photo after another; three accounts that drip their bodies would take all slots
# from everybody.
UPLOADS_OF_ONE_MAX: Final = 4
UPLOADS_OF_SYSTEM_MAX: Final = 16  # a canteen's camera empties its queue after hours offline


class UploadSlots:
    """The slots of one application; whoever finds none is told to come back, nobody waits."""

    def __init__(self, uploads_max: int) -> None:
        self._uploads_max = uploads_max
        self._held: Counter[str] = Counter()

    @property
    def held(self) -> int:
        """How many are taken."""
        return self._held.total()

    @contextmanager
    def hold(self, caller: Principal | None) -> Iterator[None]:
        """Hold a slot.

        Raises:
            TooManyUploads: The caller holds as many as one may.
            Overloaded: All are taken.
        """
        caller_id = caller.id if caller else ""
        is_system = caller is not None and caller.partner_id is not None
        most = UPLOADS_OF_SYSTEM_MAX if is_system else UPLOADS_OF_ONE_MAX
        if self._held[caller_id] >= most:
            raise TooManyUploads(headers=retry_after())
        if self.held >= self._uploads_max:
            raise Overloaded(headers=retry_after())
        self._held[caller_id] += 1
        try:
            yield
        finally:
            self._held[caller_id] -= 1
            if not self._held[caller_id]:
                del self._held[caller_id]  # else everybody who ever uploaded stays in memory


UPLOADS: Final = web.AppKey("uploads", UploadSlots)
