"""A setting that nobody could mean stops the start with a sentence that names it."""

import pytest

from backend.settings import read_settings


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("TANHUI_PORT", "http"),
        ("TANHUI_PORT", "80.5"),
        ("TANHUI_EVIDENCE_URL", "ftp://host/photos"),
        ("TANHUI_EVIDENCE_URL", "s3:bucket"),
        ("TANHUI_EVIDENCE_URL", "s3://"),
        ("TANHUI_PARTNER_FILES_URL", "sftp://host/inbox"),
        ("TANHUI_WORKERS", "１"),
        ("TANHUI_RATE_LIMITS", "offf"),
        ("TANHUI_DEV_ISSUER", "2"),
        ("TANHUI_REGION", "hangzhou"),
        ("TANHUI_REGION", "33010"),
        ("TANHUI_PROT", "8080"),
        ("TANHUI_MODEL_PATH", "plate.onnx"),
        ("TANHUI_PORT", "65536"),
        ("TANHUI_PORT", "-1"),
        ("TANHUI_WORKERS", "0"),
        ("TANHUI_DATABASE_URL", "postgresql://tanhui_app@db/tanhui"),
        ("TANHUI_MIGRATE_URL", "db.internal"),
    ],
)
def test_a_setting_that_nobody_could_mean_stops_the_start(setting, value):
    with pytest.raises(SystemExit) as stopped:
        read_settings({setting: value})
    assert setting in str(stopped.value)


@pytest.mark.parametrize(
    "place", ["", "/srv/photos", "file:///srv/the photos", "s3://photos/of-2026", "gs://photos"]
)
def test_evidence_rests_in_a_folder_or_a_bucket(place):
    assert read_settings({"TANHUI_EVIDENCE_URL": place}).evidence_url == place


@pytest.mark.parametrize(
    ("text", "is_on"),
    [("1", True), ("Yes", True), ("on", True), ("0", False), ("off", False), ("", False)],
)
def test_a_switch_is_on_or_off(text, is_on):
    assert read_settings({"TANHUI_RATE_LIMITS": text}).rate_limits is is_on
