"""Nothing of one machine or one network is committed, and no photo that is not ours to give."""

import hashlib
import re
from pathlib import Path

import pytest

from tests.architecture.source import ROOT, name_of, tracked_files

TEXT = {".css", ".html", ".js", ".json", ".lock", ".md", ".py", ".sh", ".toml", ".txt", ".yaml"}
PHOTOS = {".jpeg", ".jpg", ".png", ".webp"}
SHARED_PHOTOS = ROOT.parent / "shared" / "photos"

# Written in pieces, so that this file does not find itself.
NOT_OURS = {
    "a path of one machine": re.compile(r"(?<![\w.-])/(?:" + r"work|root|opt/wheels)/(?!\*)"),
    "the home of one person": re.compile(r"/home/(?!you\b|tanhui\b)[a-z]+/"),
    "a package index": re.compile(
        r"(?:--index-url|--extra-index-url|^index-url|default-index)[ =]+\S*" + r"://", re.MULTILINE
    ),
    "a registry host": re.compile(
        r"(?:pypi|pythonhosted|docker|npmjs|npmmirror|aliyun|tuna)\." + r"(?:org|io|com|cn|edu)\b"
    ),
    "a host named by digits": re.compile(r"\b[0-9a-f]{16,}\." + r"[a-z]{2,}"),
    "a private address": re.compile(
        r"(?<![\d.=])(?:10|192\.168|172\.(?:1[6-9]|2\d|3[01]))(?:\.\d{1,3}){2,3}(?![\d.])"
    ),
}

if not tracked_files():
    pytest.skip("not a git checkout, so nothing is tracked", allow_module_level=True)


def texts() -> list[Path]:
    return [path for path in tracked_files() if path.suffix in TEXT or not path.suffix]


@pytest.mark.parametrize("what", NOT_OURS)
def test_no_tracked_file_names_one_machine_or_network(what):
    found = [
        (name_of(path), match[0])
        for path in texts()
        if what != "a private address" or not path.is_relative_to(ROOT / "tests")
        for match in NOT_OURS[what].finditer(path.read_text(encoding="utf-8"))
    ]
    assert found == []


def test_no_shared_photo_is_tracked():
    if not SHARED_PHOTOS.is_dir():
        pytest.skip("the shared photos are not beside this checkout")
    pictures = [path for path in tracked_files() if path.suffix.lower() in PHOTOS]
    sizes = {path.stat().st_size for path in pictures}
    shared = {
        hashlib.sha256(path.read_bytes()).digest()
        for path in SHARED_PHOTOS.rglob("*")
        if path.is_file() and path.stat().st_size in sizes
    }
    copied = [
        name_of(path) for path in pictures if hashlib.sha256(path.read_bytes()).digest() in shared
    ]
    assert copied == []


def test_no_secret_is_tracked():
    key = re.compile("-----BEGIN " + r"[A-Z ]*PRIVATE KEY-----")
    assert [name_of(path) for path in texts() if key.search(path.read_text("utf-8"))] == []
