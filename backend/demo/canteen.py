"""A camera at a canteen's tray return: it signs, sees trays, and asks whose they are."""

import asyncio
import base64
import hashlib
import json
import secrets
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any
from uuid import uuid4

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from backend.demo.album import RENDERED, SEED_FIRST, Photo
from backend.demo.city import DISTRICTS
from backend.demo.client import Client, Reply, clock, needed, together
from backend.demo.crowd import Crowd
from backend.demo.tally import OUTCOMES
from backend.demo.town_hall import TownHall
from backend.sandbox.signing import signed_headers
from backend.signatures import sign_ed25519

# Beyond the renders that members send, and other ones in each run on one folder.
TRAYS_FIRST = SEED_FIRST + 1_000_000_000
KINDS = ("clean", "clean", "leftover", "clean")  # the last one is of the card
VERSION = "demo camera 1"


@dataclass(frozen=True, slots=True)
class Camera:
    """A device with a key of its own, which has told us the public half."""

    client: Client
    key: bytes
    name: str

    async def see(self, photo: bytes, meal: dict[str, Any]) -> Reply:
        """Send a tray as a signed form, and wait for what becomes of it."""
        boundary = uuid4().hex
        body = _form(boundary, {"meal": json.dumps(meal).encode(), "photo": photo})
        digest = f"sha-256=:{base64.b64encode(hashlib.sha256(body).digest()).decode()}:"
        headers = {
            **signed_headers(self.name, partial(sign_ed25519, self.key), digest.encode()),
            "Content-Type": f"multipart/form-data; boundary={boundary}",
            "Content-Digest": digest,
            "Prefer": "wait=10",
        }
        reply = await self.client.post_raw("/v1/device/meals", body, headers)
        return needed(reply, "tray")


def _form(boundary: str, fields: dict[str, bytes]) -> bytes:
    parts = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n'.encode() + value
        for name, value in fields.items()
    ]
    return b"\r\n".join([*parts, f"--{boundary}--\r\n".encode()])


async def enrol_camera(hall: TownHall) -> Camera:
    """Open a canteen and type the one-time code on its camera."""
    canteens = await hall.admit(
        "青禾食堂", "Qinghe Canteens", part="canteens", scopes=["canteen.waste"]
    )
    region = next(iter(DISTRICTS))
    names = {"name_zh": "麦浪食堂", "name_en": "Wheat Canteen", "region": region}
    canteen = await hall.make("canteens", {"partner_id": canteens.id, **names})
    device = await hall.make("devices", {"canteen_id": canteen["id"], "name": "belt 1"})
    key = Ed25519PrivateKey.generate()
    public = base64.b64encode(key.public_key().public_bytes_raw()).decode()
    said = {
        "code": device["code"],
        "public_key": f"whpk_{public}",
        "software_version": VERSION,
    }
    client = Client(hall.operator.session)
    enrolled = needed(await client.post("/v1/device/enrolments", said), "enrolment").body
    return Camera(client, key.private_bytes_raw(), str(enrolled["key"]))


async def return_trays(crowd: Crowd, hall: TownHall, guests: Sequence[int]) -> str:
    """Each guest scans the code beside her tray, and somebody else lays down a card."""
    camera = await enrol_camera(hall)
    people: list[int | None] = [*guests, None]
    seen = [_return_tray(crowd, camera, guest, n) for n, guest in enumerate(people)]
    outcomes = Counter(await together(*seen))
    counts = " · ".join(
        f"{words} {outcomes[each]}" for each, words in OUTCOMES.items() if outcomes[each]
    )
    return f"食堂相机 Canteen camera · 餐盘 trays {len(people)}: {counts}"


async def _return_tray(crowd: Crowd, camera: Camera, guest: int | None, sequence: int) -> str:
    """One tray passes the camera; gives what became of it."""
    jpeg = await asyncio.to_thread(_photo(crowd.city.trays_before, sequence).read)
    meal = {"sequence": sequence, "taken_at": (await clock(crowd.session)).isoformat()}
    if guest is None:
        seen = await camera.see(jpeg, {**meal, "subject_token": crowd.city.card_token})
        return str(crowd.tally.note(seen).body["outcome"])
    member, code = await crowd.member(guest), secrets.token_urlsafe(16)
    await camera.see(jpeg, {**meal, "tray_code": code})
    claimed = needed(await member.post("/v1/tray-claims", {"tray_code": code}), "tray claim")
    outcome = crowd.tally.note(await member.outcome_of(claimed.body["check_in_id"]))
    return str(outcome.body["status"])


def _photo(before: int, sequence: int) -> Photo:
    kind = KINDS[sequence % len(KINDS)]
    return Photo(RENDERED[kind], "held_out", kind, TRAYS_FIRST + before + sequence)
