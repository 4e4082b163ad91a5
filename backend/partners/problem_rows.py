"""The sentences that people read when a partner or its customer is refused."""

from collections.abc import Mapping

from backend.errors import DomainError
from backend.http.problem import ProblemType
from backend.partners.desk import KeyEnded, PublicKeyMisplaced, SourceTaken
from backend.partners.domain import RegionNotGranted, SourceNotGranted, TypeNotGranted
from backend.partners.linking import (
    ConsentNeeded,
    LinkCodeNotValid,
    LinksUsedUp,
    SubjectAlreadyLinked,
)
from backend.partners.queries import SubjectNotLinked
from backend.partners.signing_keys import PublicKeyNotValid

PARTNER_PROBLEMS: Mapping[type[DomainError], ProblemType] = {
    SubjectNotLinked: ProblemType(
        "subject-not-linked", 404, "该客户尚未关联碳账户", "Customer not linked",
        "请先让客户关联碳账户", "Let the customer link the account first",
    ),
    SourceNotGranted: ProblemType(
        "source-not-granted", 403, "密钥无权代表这个来源", "Source not granted",
        "请使用 granted 中的 source,或请运营人员授权",
        "Use a source in `granted`, or ask the operator to grant this one",
    ),
    TypeNotGranted: ProblemType(
        "type-not-granted", 403, "密钥无权上报这类事件", "Type not granted",
        "请使用 granted 中的类型,或请运营人员授权",
        "Use a type in `granted`, or ask the operator to grant this one",
    ),
    RegionNotGranted: ProblemType(
        "region-not-granted", 403, "密钥无权上报这个地区", "Region not granted",
        "请使用 granted 中的地区,或请运营人员授权",
        "Use a region in `granted`, or ask the operator to grant this one",
    ),
    PublicKeyNotValid: ProblemType(
        "public-key-not-valid", 422, "公钥无效", "Public key not valid",
        "请给出 whpk_ 开头的 Ed25519 公钥(32 字节,base64)",
        "Give an Ed25519 public key as `whpk_` and the base64 of its 32 bytes",
    ),
    PublicKeyMisplaced: ProblemType(
        "public-key-misplaced", 422, "public_key 使用有误", "public_key misplaced",
        "algorithm 为 v1a 时须带 public_key,其他情况不带",
        "Give `public_key` with the algorithm v1a and with no other",
    ),
    SourceTaken: ProblemType(
        "source-taken", 409, "该来源与其他合作方重叠", "Source taken",
        "请选择不与其他合作方重叠的 source", "Choose a source that touches no other partner's",
    ),
    KeyEnded: ProblemType(
        "key-ended", 409, "密钥已吊销、到期或已被更换", "Key ended",
        "请改用新密钥,或请运营人员重新生成", "Use the key in its place, or ask for a new one",
    ),
    LinkCodeNotValid: ProblemType(
        "link-code-not-valid", 422, "关联码无效或已过期", "Link code not valid",
        "请在合作方处重新获取关联码", "Ask the partner for a new code",
    ),
    ConsentNeeded: ProblemType(
        "consent-needed", 409, "需要您同意授权", "Consent needed",
        "请阅读 consent 中的授权内容,同意后带上其 version 再次提交",
        "Show the text in `consent`; when it is agreed to, send its `version` with the code",
    ),
    SubjectAlreadyLinked: ProblemType(
        "subject-already-linked", 409, "该客户已关联碳账户", "Customer linked already",
        "请先在已关联的账户中解除关联", "Let the member unlink in the account that has the link",
    ),
    LinksUsedUp: ProblemType(
        "links-used-up", 409, "与该合作方的关联已达上限", "Links used up",
        "请先解除不再使用的关联", "Unlink one that is not used any more",
    ),
}  # fmt: skip
