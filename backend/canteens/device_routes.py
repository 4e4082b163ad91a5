"""Devices over HTTP: an operator adds one, somebody types its code, and from then on it signs."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from backend.batches import BUSY
from backend.canteens.bodies import (
    CanteenAnswer,
    DeviceEnrolmentAnswer,
    EnrolmentBody,
    HeartbeatAnswer,
    HeartbeatBody,
    WindowAnswer,
)
from backend.canteens.queries import find_canteen, last_sequence
from backend.canteens.refusals import DeviceCodeNotValid, DeviceKeyUsed, DeviceUnknown
from backend.checkins.queries import meal_windows
from backend.http.principal import PUBLIC, Principal, scopes
from backend.http.routes import Answer, Call, Route
from backend.intake.domain import TimeNotPlausible, in_utc
from backend.partners.devices import (
    Device,
    Heartbeat,
    device_of_key,
    enrol,
    holder_of,
    lock_enrolling,
    record_change,
    record_heartbeat,
)
from backend.partners.domain import KeyTerms
from backend.partners.queries import KEY_PREFIX
from backend.partners.signing_keys import (
    PublicKeyNotValid,
    issue_public_key,
    name_of,
    read_public_key,
)
from backend.rewards.codes import plain_code
from backend.writing import write_alone

TRAY_RETURN = "tray.return"  # scope of the camera's key
RETURNS = scopes(TRAY_RETURN)
KEY_PRINCIPAL = "key:"
MILLISECOND = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class DeviceDoor:
    """What enrolling a device and hearing of it needs."""

    engine: AsyncEngine
    clock_shift_s: int = 0

    def routes(self) -> Sequence[Route[Any, Any]]:
        """Give the routes that devices call about themselves."""
        return [
            Route(
                "POST",
                "/v1/device/enrolments",
                self.post_enrolment,
                policy=PUBLIC,
                summary="Enrol this device with its one-time code and its public key",
                summary_zh="用一次性绑定码和公钥绑定设备",
                body=EnrolmentBody,
                answers={201: DeviceEnrolmentAnswer},
                problems=(DeviceCodeNotValid, PublicKeyNotValid, DeviceKeyUsed, *BUSY),
            ),
            Route(
                "POST",
                "/v1/device/heartbeat",
                self.post_heartbeat,
                policy=RETURNS,
                summary="Say that this device is alive, and have its clock measured",
                summary_zh="设备心跳,并测量其时钟偏差",
                body=HeartbeatBody,
                answers={200: HeartbeatAnswer},
                problems=(DeviceUnknown, TimeNotPlausible, *BUSY),
            ),
        ]

    async def post_enrolment(self, call: Call[EnrolmentBody, None]) -> Answer:
        """Enrol the device whose code this is; the same code with the same key changes nothing."""
        digest = sha256(plain_code(call.body.code).encode()).digest()
        public_key = read_public_key(call.body.public_key)

        async def make(conn: AsyncConnection, now: datetime) -> DeviceEnrolmentAnswer:
            device = await lock_enrolling(conn, digest, now)
            if device is None or (device.is_code_used and device.public_key != public_key):
                raise DeviceCodeNotValid
            if await holder_of(conn, public_key) not in {None, device.id}:
                raise DeviceKeyUsed
            return await _enrolled(conn, device, public_key, now)

        shift = self.clock_shift_s
        return Answer(await write_alone(self.engine, make, clock_shift_s=shift), 201)

    async def post_heartbeat(self, call: Call[HeartbeatBody, None]) -> Answer:
        """Measure the device's clock against ours; its photos are corrected by the difference."""
        body = call.body

        async def make(conn: AsyncConnection, now: datetime) -> HeartbeatAnswer:
            device = await device_of(conn, call.principal)
            offset_ms = (now - in_utc(body.clock)) // MILLISECOND
            heartbeat = Heartbeat(offset_ms, body.queue_length, body.software_version)
            await record_heartbeat(conn, device.id, heartbeat, now)
            windows = [
                WindowAnswer(id=w.id, opens_minute=w.opens_minute, closes_minute=w.closes_minute)
                for w in await meal_windows(conn)
            ]
            return HeartbeatAnswer(
                now=now,
                clock_offset_ms=offset_ms,
                status=device.status,
                last_sequence=await last_sequence(conn, device.id),
                meal_windows=windows,
            )

        return Answer(await write_alone(self.engine, make, clock_shift_s=self.clock_shift_s))


async def device_of(conn: AsyncConnection, principal: Principal) -> Device:
    """The device that calls.

    Raises:
        DeviceUnknown: The key is of no device, or of one that has another key by now.
    """
    device = await device_of_key(conn, principal.id.removeprefix(KEY_PRINCIPAL))
    if device is None:
        raise DeviceUnknown
    return device


async def _enrolled(
    conn: AsyncConnection, device: Device, public_key: bytes, now: datetime
) -> DeviceEnrolmentAnswer:
    key_id = device.key_id or ""
    if not device.is_code_used:
        terms = KeyTerms("device", [TRAY_RETURN])
        key_id = (await issue_public_key(conn, device.partner_id, terms, public_key)).removeprefix(
            f"{KEY_PREFIX}_"
        )
        await enrol(conn, device, key_id, now)
        await record_change(conn, device.id, "enrolled", by=f"{KEY_PRINCIPAL}{key_id}", now=now)
    place = await find_canteen(conn, device.place_id)
    assert place is not None, "a device was added to a canteen that is there"
    return DeviceEnrolmentAnswer(
        device_id=device.id, key=name_of(key_id), canteen=CanteenAnswer(**place._asdict())
    )
