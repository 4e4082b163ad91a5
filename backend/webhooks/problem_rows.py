"""The sentences that people read when the rules of webhooks refuse."""

from collections.abc import Mapping

from backend.calling.addresses import UrlForbidden
from backend.errors import DomainError
from backend.http.problem import ProblemType
from backend.webhooks.domain import (
    WebhookEndpointDisabled,
    WebhookEndpointExists,
    WebhookEndpointsUsedUp,
    WebhookOwnerMissing,
    WebhookPingsUsedUp,
    WebhookSecretsUsedUp,
    WebhookTypeForeign,
)

WEBHOOK_PROBLEMS: Mapping[type[DomainError], ProblemType] = {
    UrlForbidden: ProblemType(
        "url-forbidden", 422, "不能使用这个地址", "URL not allowed",
        "请使用公网域名的 https 地址(443 端口),不含账号和片段",
        "Give an https URL on port 443 of a public name, without credentials or fragment",
    ),
    WebhookTypeForeign: ProblemType(
        "webhook-type-foreign", 422, "不能接收这类事件", "Not this owner's events",
        "请只选择 allowed 中的事件类型", "Choose among the types in `allowed`",
    ),
    WebhookOwnerMissing: ProblemType(
        "webhook-owner-missing", 422, "请指定地址的所有者", "Owner needed",
        "请在 owner 中给出已存在的合作方或商户", "Name an existing partner or merchant in `owner`",
    ),
    WebhookEndpointExists: ProblemType(
        "webhook-endpoint-exists", 409, "这个地址已登记", "URL registered already",
        "请修改 endpoint_id 的事件类型", "Change the event types of `endpoint_id`",
    ),
    WebhookEndpointsUsedUp: ProblemType(
        "webhook-endpoints-used-up", 409, "最多登记 10 个地址", "Ten endpoints at most",
        "请先删除不再使用的地址", "Delete one that is not used any more",
    ),
    WebhookEndpointDisabled: ProblemType(
        "webhook-endpoint-disabled", 409, "这个地址已停用", "Endpoint disabled",
        "请先排除 disabled_reason 所示原因并启用",
        "Mend what `disabled_reason` says, then enable it",
    ),
    WebhookSecretsUsedUp: ProblemType(
        "webhook-secrets-used-up", 409, "有效密钥已达 4 个", "Four secrets are valid",
        "请等旧密钥到期,或以 overlap_s 为 0 更换",
        "Wait for one to end, or rotate with overlap_s 0",
    ),
    WebhookPingsUsedUp: ProblemType(
        "webhook-pings-used-up", 429, "每小时最多测试 5 次", "Five pings an hour",
        "请稍后再试", "Try again within the hour", {"Retry-After": "600"},
    ),
}  # fmt: skip
