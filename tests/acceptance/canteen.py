"""A canteen as its camera, its operator and its guests meet it."""

import base64
import hashlib
import json
import os
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from backend.signatures import sign_ed25519, signed_bytes
from tests.acceptance.running_service import METRO, Caller, Reply, Service, make_key

VERSION = "camera 1.4"


class Signer:
    """An Ed25519 key pair, as a device makes one, and requests that are signed with it."""

    def __init__(self):
        self.seed, self.name = os.urandom(32), ""

    @property
    def public_key(self) -> str:
        raw = Ed25519PrivateKey.from_private_bytes(self.seed).public_key().public_bytes_raw()
        return "whpk_" + base64.b64encode(raw).decode()

    async def post(self, caller, path, body, kind, *, headers=None) -> Reply:
        digest = base64.b64encode(hashlib.sha256(body).digest()).decode()
        is_form = kind.startswith("multipart/")
        content = f"sha-256=:{digest}:".encode() if is_form else body
        sent_id, stamp = make_key(), int(time.time())
        signature = sign_ed25519(self.seed, signed_bytes(sent_id, stamp, content))
        fields = {
            "Authorization": f"Signature {self.name}",
            "webhook-id": sent_id,
            "webhook-timestamp": str(stamp),
            "webhook-signature": signature,
            "Content-Type": kind,
            **({"Content-Digest": content.decode()} if is_form else {}),
            **(headers or {}),
        }
        return await caller.send("POST", path, data=body, headers=fields)


@dataclass
class Camera:
    """An enrolled device with its own clock, which may be wrong."""

    caller: Caller
    signer: Signer
    id: str
    canteen_id: str
    offset: timedelta = timedelta(0)
    sequences: Any = field(default_factory=count)

    def clock(self, ago=timedelta(0)) -> datetime:
        """What its clock says, or said."""
        return datetime.now(UTC) + self.offset - ago

    async def beat(self, **changes) -> Reply:
        body = {"clock": self.clock().isoformat(), "queue_length": 0, "software_version": VERSION}
        said = json.dumps({**body, **changes}).encode()
        return await self.signer.post(self.caller, "/v1/device/heartbeat", said, "application/json")

    def meal(self, ago=timedelta(0), **said) -> dict:
        taken_at = self.clock(ago).isoformat()
        return {"sequence": next(self.sequences), "taken_at": taken_at, **said}

    async def send(self, photo, meal, **headers) -> Reply:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        form = (
            b'--tray\r\nContent-Disposition: form-data; name="meal"\r\n\r\n'
            + json.dumps(meal).encode()
            + b'\r\n--tray\r\nContent-Disposition: form-data; name="photo"\r\n\r\n'
            + photo
            + b"\r\n--tray--\r\n"
        )
        kind = "multipart/form-data; boundary=tray"
        return await self.signer.post(self.caller, "/v1/device/meals", form, kind, headers=named)

    async def see(self, photo, card, **said) -> Reply:
        """A tray with a card, waiting for the outcome."""
        meal = self.meal(subject_token=card, **said)
        return await self.send(photo, meal, prefer="wait=10")


def new_code() -> str:
    """What the screen beside the belt shows as a QR code."""
    return base64.urlsafe_b64encode(os.urandom(16)).decode().rstrip("=")


async def operator_of(service: Service) -> Caller:
    return await service.caller("op", "operator")


async def open_canteen(service: Service, name="north", partner=METRO) -> str:
    body = {"partner_id": str(partner), "name_zh": "北区食堂", "name_en": name, "region": "330106"}
    operator = await operator_of(service)
    reply = await operator.post("/v1/operator/canteens", body, idempotency_key=make_key())
    assert reply.status == 201, reply.body
    return reply.json()["id"]


async def add_device(service: Service, canteen_id: str) -> dict:
    operator = await operator_of(service)
    reply = await operator.post(
        "/v1/operator/devices",
        {"canteen_id": canteen_id, "name": "belt 1"},
        idempotency_key=make_key(),
    )
    assert reply.status == 201, reply.body
    return reply.json()


async def enrol(service: Service, code: str, signer=None) -> Reply:
    """Enrol, and let the signer know its name."""
    signer = signer or Signer()
    body = {"code": code, "public_key": signer.public_key, "software_version": VERSION}
    reply = await service.nobody.post("/v1/device/enrolments", body)
    if reply.status == 201:
        signer.name = reply.json()["key"]
    return reply


async def open_camera(service: Service, **changes) -> Camera:
    """A canteen with one enrolled camera."""
    canteen_id, signer = await open_canteen(service), Signer()
    device = await add_device(service, canteen_id)
    reply = await enrol(service, device["code"], signer)
    assert reply.status == 201, reply.body
    return Camera(Caller(service.session), signer, device["id"], canteen_id, **changes)


async def device_seen(service: Service, device_id: str) -> dict:
    devices = (await (await operator_of(service)).get("/v1/operator/devices")).json()["items"]
    return next(each for each in devices if each["id"] == device_id)
