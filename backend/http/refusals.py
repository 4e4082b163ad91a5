"""What HTTP itself refuses, one class per problem type, and the rows that describe them."""

from collections.abc import Mapping

from backend.errors import DomainError, NotFound
from backend.http.problem import ProblemType, Refusal


class MalformedRequest(Refusal):
    """The request is not valid HTTP, or one of its fields cannot be read."""


class MalformedJson(Refusal):
    """The body is not one JSON document in UTF-8 with unique member names and sane depth."""


class MalformedMultipart(Refusal):
    """The body is not a complete multipart form."""


class IdempotencyKeyMissing(Refusal):
    """This request needs exactly one Idempotency-Key of 16 to 128 characters A-Z a-z 0-9 _ -."""


class InvalidCursor(Refusal):
    """The cursor was not made by this list, for this principal and these filters."""


class Unauthenticated(Refusal):
    """There is no valid bearer token for this service."""


class SignatureNotValid(Refusal):
    """No key of ours made this signature over this content."""


class SignatureStale(Refusal):
    """The signature was made more than 300 s before or after our time."""


class Forbidden(Refusal):
    """The principal is known but may not do this."""


class MethodNotAllowed(Refusal):
    """The resource exists; this method on it does not."""


class NotAcceptable(Refusal):
    """Answers are JSON, and the Accept field excludes that."""


class RequestTimeout(Refusal):
    """The request did not arrive in time."""


class PayloadTooLarge(Refusal):
    """The body is larger than this route takes."""


class UriTooLong(Refusal):
    """The request line is longer than 4 KB."""


class UnsupportedMediaType(Refusal):
    """The content type, its charset or the content encoding is not one that this route takes."""


class ExpectationFailed(Refusal):
    """The only expectation that is met is 100-continue."""


class ValidationFailed(Refusal):
    """The input is well-formed, but its content is not what this route takes."""


class RateLimited(Refusal):
    """Too many requests in a short time."""


class TooManyUploads(Refusal):
    """The caller's earlier uploads have not arrived yet."""


class HeadersTooLarge(Refusal):
    """The header fields are too large or too many."""


class Internal(Refusal):
    """Something broke on our side; the request id finds it in the log."""


class Overloaded(Refusal):
    """More requests are under way than this process can finish in time."""


HTTP_PROBLEMS: Mapping[type[DomainError], ProblemType] = {
    MalformedRequest: ProblemType(
        "malformed-request", 400,
        "请求格式有误", "Malformed request",
        "请检查请求是否符合 HTTP 规范后重新发送", "Send a valid HTTP request",
    ),
    MalformedJson: ProblemType(
        "malformed-json", 400,
        "JSON 格式有误", "Malformed JSON",
        "请检查 JSON 语法、编码和重复的成员后重新发送", "Correct the document and send it again",
    ),
    MalformedMultipart: ProblemType(
        "malformed-multipart", 400,
        "上传的表单格式有误", "Malformed multipart form",
        "请重新上传", "Build the form again and send it again",
    ),
    IdempotencyKeyMissing: ProblemType(
        "idempotency-key-missing", 400,
        "缺少或无效的 Idempotency-Key", "Idempotency-Key missing or invalid",
        "请为每个操作生成一个唯一的键,重试时保持不变",
        "Make one unique key per intended effect and keep it when you retry",
    ),
    InvalidCursor: ProblemType(
        "invalid-cursor", 400,
        "翻页位置无效", "Invalid cursor",
        "请从第一页重新开始", "Start again from the first page",
    ),
    Unauthenticated: ProblemType(
        "unauthenticated", 401,
        "请先登录", "Sign-in needed",
        "请登录后重试", "Get a fresh token and try again",
        {"WWW-Authenticate": "Bearer"},
    ),
    SignatureNotValid: ProblemType(
        "signature-not-valid", 401,
        "签名无效", "Signature not valid",
        "请检查密钥编号、密钥和待签名内容,可对照测试向量",
        "Check the key's id, the key and what is signed; compare with the test vectors",
        {"WWW-Authenticate": "Bearer"},
    ),
    SignatureStale: ProblemType(
        "signature-stale", 401,
        "签名时间超出 300 秒", "Signature stale",
        "请按本应答的 Date 校准时钟后重新签名",
        "Set the clock by the Date of this answer and sign again",
        {"WWW-Authenticate": "Bearer"},
    ),
    Forbidden: ProblemType(
        "forbidden", 403,
        "没有权限", "Not allowed",
        "请使用有相应权限的账号", "Use an identity that has the role or scope this needs",
    ),
    NotFound: ProblemType(
        "not-found", 404,
        "没有找到", "Not found",
        "请检查地址或编号", "Check the address or the identifier",
    ),
    MethodNotAllowed: ProblemType(
        "method-not-allowed", 405,
        "不支持这种请求方法", "Method not allowed",
        "请使用 Allow 中列出的方法", "Use one of the methods in Allow",
    ),
    NotAcceptable: ProblemType(
        "not-acceptable", 406,
        "无法按要求的格式回答", "Not acceptable",
        "请在 Accept 中允许 application/json", "Allow application/json in Accept",
    ),
    RequestTimeout: ProblemType(
        "request-timeout", 408,
        "请求超时", "Request timeout",
        "请在网络较好时重试", "Send the request again, faster",
    ),
    PayloadTooLarge: ProblemType(
        "payload-too-large", 413,
        "内容太大", "Payload too large",
        "请压缩或拆分后再发送", "Send less, or in several requests",
    ),
    UriTooLong: ProblemType(
        "uri-too-long", 414,
        "地址太长", "URI too long",
        "请缩短地址", "Shorten the address",
    ),
    UnsupportedMediaType: ProblemType(
        "unsupported-media-type", 415,
        "不支持这种内容类型", "Unsupported media type",
        "请使用文档中列出的类型,不要压缩", "Use a type that the description lists, uncompressed",
    ),
    ExpectationFailed: ProblemType(
        "expectation-failed", 417,
        "无法满足 Expect", "Expectation failed",
        "请去掉 Expect 后重试", "Send the request without Expect",
    ),
    ValidationFailed: ProblemType(
        "validation", 422,
        "内容不符合要求", "Validation failed",
        "请按 errors 中的提示修改后重试", "Correct what `errors` points at",
    ),
    RateLimited: ProblemType(
        "rate-limited", 429,
        "操作太频繁", "Too many requests",
        "请稍后再试", "Wait for the seconds in Retry-After",
    ),
    TooManyUploads: ProblemType(
        "too-many-uploads", 429,
        "同时上传的照片太多", "Too many uploads at once",
        "请等前面的照片上传完,再传下一张",
        "Let an earlier upload end, wait for the seconds in Retry-After, then send the next one",
    ),
    HeadersTooLarge: ProblemType(
        "headers-too-large", 431,
        "请求头太大", "Header fields too large",
        "请减少请求头后重试", "Send fewer or shorter header fields",
    ),
    Internal: ProblemType(
        "internal", 500,
        "系统出错了", "Internal error",
        "请稍后重试;若仍有问题,请提供 request_id", "Try again later; report the request_id",
    ),
    Overloaded: ProblemType(
        "overloaded", 503,
        "系统繁忙", "Overloaded",
        "请稍后重试", "Wait for the seconds in Retry-After, then try again",
    ),
}  # fmt: skip
