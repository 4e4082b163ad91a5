"""Why an upload could not be opened as a photo, in words; the other reasons are in `reasons`."""

from collections.abc import Mapping
from typing import Final, NamedTuple

from scoring.photo import PIXELS_MAX, SIDE_PX_MIN, UPLOAD_BYTES_MAX

PHOTO_UNREADABLE: Final = "photo_unreadable"


class Reason(NamedTuple):
    """One reason: what we saw, and what helps."""

    code: str
    text_zh: str
    text_en: str
    hint_zh: str
    hint_en: str

    @property
    def words(self) -> Mapping[str, tuple[str, str]]:
        """By language, as a refusal carries them."""
        return {"zh": (self.text_zh, self.hint_zh), "en": (self.text_en, self.hint_en)}


UPLOAD_REASONS: Final = (
    Reason(
        PHOTO_UNREADABLE,
        "照片打不开",
        "The photo could not be opened",
        "请重新拍一张再上传",
        "Take the photo again and upload it",
    ),
    Reason(
        "broken",
        "照片文件不完整",
        "The photo file is not complete",
        "请重新拍一张,等上传结束再离开页面",
        "Take it again and stay on the page until the upload ends",
    ),
    Reason(
        "heic",
        "暂不支持 HEIC 格式",
        "HEIC photos cannot be read",
        "请选择 JPEG:相机设置里选“兼容性最佳”",
        "Choose JPEG: the camera setting is called Most Compatible",
    ),
    Reason(
        "unsupported_type",
        "这个文件不是可识别的照片",
        "This file is not a photo we can read",
        "请上传 JPEG、PNG 或 WebP 照片",
        "Upload a JPEG, PNG or WebP photo",
    ),
    Reason(
        "too_large",
        f"照片文件超过 {UPLOAD_BYTES_MAX // 1_000_000} MB",
        f"The photo file is larger than {UPLOAD_BYTES_MAX // 1_000_000} MB",
        "请把长边缩到 1600 像素以内再上传",
        "Scale the long side to 1600 pixels or less and upload again",
    ),
    Reason(
        "too_small",
        f"照片太小或太窄,短边至少 {SIDE_PX_MIN} 像素",
        f"The photo is too small or too narrow; its short side needs {SIDE_PX_MIN} pixels",
        "请上传相机拍的原图",
        "Upload the photo as the camera took it",
    ),
    Reason(
        "too_many_pixels",
        f"照片超过 {PIXELS_MAX // 10_000} 万像素",
        f"The photo has more than {PIXELS_MAX // 1_000_000} megapixels",
        "请用较低的分辨率再拍一张",
        "Take it again at a lower resolution",
    ),
    Reason(
        "several_frames",
        "动图不能作为照片",
        "An animated picture cannot be used",
        "请上传一张静态照片",
        "Upload one still photo",
    ),
)

UPLOAD_WORDS: Final = {reason.code: reason.words for reason in UPLOAD_REASONS}
