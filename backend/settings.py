"""Every setting of the service, read once from the environment when a command starts."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

PORT_MAX = 65_535
DRIVER = "postgresql+asyncpg://"
APPEAL_DAYS_MAX = 60  # the photo must still be there; it is kept for 90 days after the decision

# A folder, or what obstore keeps files in: another scheme fails, `s3:bucket` would be a folder.
_PLACE = re.compile(r"(?:file://.+|(?:s3|s3a|gs|az|abfss?)://\S+|(?![a-zA-Z][\w+.-]*:).*)")
_ON = frozenset({"1", "true", "yes", "on"})
_OFF = frozenset({"0", "false", "no", "off", ""})


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What an operator can set; `docs/reference/settings.md` explains each one.

    Attributes:
        data_dir: Folder of the embedded database, local evidence and keys.
        database_url: `postgresql+asyncpg://` address of the application role; empty means embedded.
        migrate_url: The same for the owner role, used by `tanhui migrate` alone.
        evidence_url: `file://` or `s3://` address; empty means a folder in `data_dir`.
        partner_files_url: The same for files of partners; empty means a folder in `data_dir`.
        claim_key: 64 hexadecimal digits. Never change it: claims are HMACs under it.
        region: Six digits (GB/T 2260) of the programme, used where a check-in names no place.
        secrets_key: Keys of secrets at rest, 64 hexadecimal digits each, newest first, by comma.
        webhook_anywhere: Webhooks also to this machine and by plain http. Refused outside the demo.
        oidc_issuer: Address of the issuer whose tokens are accepted; empty means none.
        reversal_alone_grams_max: gCO2e that one operator may reverse; above it two must agree.
        bag_link_origin: Scheme and host of the QR codes on bags.
        bag_company_prefix: Digits that GS1 gave the programme; 952 is for demonstrations.
        clock_shift_s: Seconds added to the database's clock. Refused outside tests and the demo.
        public_url: Address under which people reach this service, without a slash at its end; in
            QR codes. Empty means the address of the request.
        points_vesting_h: Hours that points of photo evidence wait; 0 pays them with the credit.
    """

    data_dir: Path
    database_url: str = ""
    migrate_url: str = ""
    evidence_url: str = ""
    partner_files_url: str = ""
    model_path: str = ""
    claim_key: str = ""
    secrets_key: str = ""
    webhook_anywhere: bool = False
    region: str = "330100"
    oidc_issuer: str = ""
    oidc_audience: str = "tanhui"
    oidc_jwks_url: str = ""
    dev_issuer: bool = False
    demo: bool = False
    clock_shift_s: int = 0
    points_vesting_h: int = 24
    public_url: str = ""
    host: str = "127.0.0.1"
    port: int = 8080
    workers: int = 1
    rate_limits: bool = True
    redemption_needs_phone: bool = True
    redemption_account_age_h: int = 72
    app_version_min: str = "1.0.0"
    appeal_days: int = 7
    appeal_operator_days: int = 3
    reversal_alone_grams_max: int = 5_000
    bag_link_origin: str = "https://tanhui.invalid"
    bag_company_prefix: str = "9520000"

    def changed(self, **values: Any) -> Self:
        """The same settings but for these."""
        return replace(self, **values)

    def __post_init__(self) -> None:
        """Refuse what would let time make money."""
        if self.clock_shift_s and not self.demo:
            raise SystemExit("TANHUI_CLOCK_SHIFT_S moves the clock: only with TANHUI_DEMO=1.")
        if self.webhook_anywhere and not self.demo:
            raise SystemExit(
                "TANHUI_WEBHOOK_ANYWHERE opens inner addresses: only with TANHUI_DEMO=1."
            )
        self._refuse_what_cannot_start()
        if not re.fullmatch(r"[1-8][0-9]{5}", self.region):
            raise SystemExit("TANHUI_REGION has six digits of GB/T 2260, such as 330100.")
        if not re.fullmatch(r"[0-9]{4,12}", self.bag_company_prefix):
            raise SystemExit("TANHUI_BAG_COMPANY_PREFIX has 4 to 12 digits.")
        if not re.fullmatch(r"https?://[^/\s]+", self.bag_link_origin):
            raise SystemExit("TANHUI_BAG_LINK_ORIGIN is a scheme and a host: https://id.example.cn")
        if not 1 <= self.appeal_days <= APPEAL_DAYS_MAX:
            raise SystemExit(f"TANHUI_APPEAL_DAYS is a number from 1 to {APPEAL_DAYS_MAX}.")
        if not 1 <= self.appeal_operator_days <= APPEAL_DAYS_MAX:
            raise SystemExit(
                f"TANHUI_APPEAL_OPERATOR_DAYS is a number from 1 to {APPEAL_DAYS_MAX}."
            )

    def _refuse_what_cannot_start(self) -> None:
        if not 0 <= self.port <= PORT_MAX:
            raise SystemExit(f"TANHUI_PORT is a number from 0 to {PORT_MAX}.")
        if self.workers < 1:
            raise SystemExit("TANHUI_WORKERS is a number from 1 on.")
        for name in ("database_url", "migrate_url"):
            address: str = getattr(self, name)
            if address and not address.startswith(DRIVER):
                raise SystemExit(f"TANHUI_{name.upper()} begins with {DRIVER}.")
        for name in ("evidence_url", "partner_files_url"):
            if not _PLACE.fullmatch(getattr(self, name)):
                raise SystemExit(
                    f"TANHUI_{name.upper()} is a folder, file:///folder or s3://bucket/folder."
                )


def read_settings(environment: Mapping[str, str] | None = None) -> Settings:
    """Settings from `TANHUI_*` variables; an unknown one is refused: a typo would go unseen."""
    environment = os.environ if environment is None else environment
    known = {f"TANHUI_{name.upper()}": name for name in Settings.__dataclass_fields__}
    given = {key: value for key, value in environment.items() if key.startswith("TANHUI_")}
    known["TANHUI_MODEL"] = known.pop("TANHUI_MODEL_PATH")
    if unknown := sorted(given.keys() - known.keys()):
        raise SystemExit(
            f"Unknown settings: {', '.join(unknown)}. Known: {', '.join(sorted(known))}."
        )
    values: dict[str, Any] = {known[key]: _typed(known[key], value) for key, value in given.items()}
    return Settings(**{"data_dir": default_data_dir(), **values})


def default_data_dir() -> Path:
    """`/var/lib/tanhui` for root: the embedded server opens every parent folder to its user."""
    if os.geteuid() == 0:
        return Path("/var/lib/tanhui")
    return Path.home() / ".local/share/tanhui"


def _typed(name: str, text: str) -> object:
    kind = Settings.__dataclass_fields__[name].type
    if kind is bool:
        return _switch(name, text.lower())
    if kind is int:
        return _number(name, text)
    return Path(text) if kind is Path else text


def _switch(name: str, text: str) -> bool:
    """A misspelt switch must not silently be off."""
    if text not in _ON | _OFF:
        raise SystemExit(f"TANHUI_{name.upper()} is a switch: 1 or 0, not {text!r}.")
    return text in _ON


def _number(name: str, text: str) -> int:
    if not re.fullmatch(r"-?[0-9]{1,18}", text):
        raise SystemExit(f"TANHUI_{name.upper()} is a whole number, not {text!r}.")
    return int(text)
