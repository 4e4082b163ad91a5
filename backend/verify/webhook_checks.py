"""Checks of webhooks: nobody is told of somebody else's, and nothing is forgotten."""

from backend.verify.check import Check

_TO_ITS_OWNER = """
SELECT delivery.id AS delivery_id, endpoint_id, event_type, subject_id
FROM webhook_delivery AS delivery JOIN webhook_endpoint AS endpoint ON endpoint.id = endpoint_id
WHERE event_type <> 'webhook.ping' AND NOT EXISTS (
  SELECT FROM credit JOIN partner_report USING (check_in_id)
  WHERE event_type = 'check_in.credited' AND owner_kind = 'partner'
    AND credit.id = subject_id AND partner_id = owner_id
) AND NOT EXISTS (
  SELECT FROM reversal JOIN credit ON credit.id = reversal.credit_id
  JOIN partner_report USING (check_in_id)
  WHERE event_type = 'check_in.reversed' AND owner_kind = 'partner'
    AND reversal.id = subject_id AND partner_id = owner_id
) AND NOT EXISTS (
  SELECT FROM voucher WHERE event_type LIKE 'voucher.%' AND owner_kind = 'merchant'
    AND merchant_id = owner_id AND voucher.id = CASE event_type WHEN 'voucher.undecided'
    THEN CAST(CAST(body AS json) -> 'data' ->> 'voucher_id' AS uuid) ELSE subject_id END
) AND NOT EXISTS (
  SELECT FROM settlement_correction AS correction
  WHERE event_type LIKE 'settlement.correction_%' AND owner_kind = 'merchant'
    AND correction.id = subject_id AND merchant_id = owner_id
) AND NOT EXISTS (
  SELECT FROM stock_alert WHERE event_type = 'reward.stock_low' AND owner_kind = 'merchant'
    AND stock_alert.id = subject_id AND merchant_id = owner_id
)
"""

# Identifiers are made with the time of the event, which no setting shifts. A minute on one side
# leaves room for a registration that was not committed yet, a day on the other for the log's end.
_NOTHING_FORGOTTEN = """
WITH happened AS (
  SELECT partner_id AS owner_id, 'check_in.credited' AS event_type, credit.id AS subject_id,
         credit.id AS made
  FROM credit JOIN partner_report USING (check_in_id)
  UNION ALL SELECT merchant_id, 'voucher.issued', id, id FROM voucher
  UNION ALL SELECT merchant_id, 'voucher.settled', voucher_id, id FROM settlement
  UNION ALL SELECT settlement.merchant_id, 'voucher.undone', voucher_id, undo.id
  FROM settlement_undo AS undo JOIN settlement ON settlement.id = settlement_id
  UNION ALL SELECT merchant_id, 'voucher.returned', id, id FROM voucher WHERE status = 'returned'
  UNION ALL SELECT merchant_id, 'settlement.correction_asked', id, id FROM settlement_correction
  UNION ALL SELECT merchant_id, 'settlement.correction_decided', id, id FROM settlement_correction
  WHERE outcome <> 'pending'
  UNION ALL SELECT merchant_id, 'reward.stock_low', id, id FROM stock_alert
), waiting AS (
  SELECT subject_id FROM work CROSS JOIN LATERAL unnest(ids) AS named(subject_id)
  WHERE step = 'webhook'
)
SELECT endpoint.id AS endpoint_id, event_type, happened.subject_id
FROM webhook_endpoint AS endpoint
JOIN happened ON happened.owner_id = endpoint.owner_id AND event_type = ANY(event_types)
WHERE endpoint.status <> 'deleted'
  AND uuid_extract_timestamp(made) > subscribed_at + interval '1 minute'
  AND uuid_extract_timestamp(made) > now() - interval '29 days'
  AND NOT EXISTS (SELECT FROM waiting WHERE waiting.subject_id = happened.subject_id)
  AND NOT EXISTS (
    SELECT FROM webhook_delivery AS delivery WHERE delivery.endpoint_id = endpoint.id
      AND delivery.event_type = happened.event_type AND delivery.subject_id = happened.subject_id
  )
"""

WEBHOOK_CHECKS = (
    Check(
        "webhooks_to_their_owner",
        "事件只发给其所属的合作方或商户",
        "A delivery tells an owner of its own check-ins, vouchers, settlements; of nobody else's",
        _TO_ITS_OWNER,
    ),
    Check(
        "webhooks_made",
        "已订阅的事件都有发送记录或待办",
        "Everything that an endpoint asked for has a delivery, or work that will make it",
        _NOTHING_FORGOTTEN,
    ),
)
