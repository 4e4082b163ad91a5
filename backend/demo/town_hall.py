"""The operator who lets institutions in: partners with their keys, and whatever else is hers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from backend.demo.city import City
from backend.demo.client import Client, needed


@dataclass(frozen=True, slots=True)
class Partner:
    """An institution of the city and the client of its own system."""

    id: str
    source: str
    client: Client


@dataclass(frozen=True, slots=True)
class TownHall:
    """The operator's side of the API."""

    operator: Client
    city: City

    async def admit(
        self, name_zh: str, name_en: str, *, part: str, scopes: Sequence[str]
    ) -> Partner:
        """Make a partner with one bearer key; `part` ends its source."""
        source = f"urn:qinghe:{self.city.run}:{part}"
        names = {"name_zh": name_zh, "name_en": name_en, "source": source}
        partner = await write(self.operator, "/v1/operator/partners", names)
        path = f"/v1/operator/partners/{partner['id']}/keys"
        key = await write(self.operator, path, {"scopes": list(scopes)})
        client = Client(self.operator.session, str(key["key"]))
        return Partner(str(partner["id"]), source, client)

    async def make(self, what: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
        """Make a resource of the operator's."""
        return await write(self.operator, f"/v1/operator/{what}", body)


async def write(client: Client, path: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
    """Write once what has no natural key; the answer must be a resource.

    Raises:
        CallRefused: It is a refusal.
    """
    return needed(await client.post(path, body, uuid4().hex), path).body
