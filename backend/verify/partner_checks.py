"""Checks of partners: whose customer is linked since when, and which key took whose place."""

from backend.partners.desk_bodies import OVERLAP_H_MAX
from backend.verify.check import Check

# Both ends of a link are written under locks that put them in order, by the database's clock. The
# examples name links and no customer.
_LINKS = """
WITH link AS (
  SELECT id, partner_id, subject_token, account_id, linked_at, NULL AS unlinked_at
  FROM partner_link
  UNION ALL
  SELECT id, partner_id, subject_token, account_id, linked_at, unlinked_at FROM ended_link
)
SELECT link.id AS link_id, other.id AS other_link_id, link.linked_at, link.unlinked_at
FROM link JOIN link AS other USING (partner_id, subject_token)
WHERE link.id < other.id
  AND link.linked_at < coalesce(other.unlinked_at, 'infinity')
  AND other.linked_at < coalesce(link.unlinked_at, 'infinity')
UNION ALL
SELECT id, NULL, linked_at, unlinked_at FROM link WHERE unlinked_at < linked_at
UNION ALL
SELECT id, id, ended_link.linked_at, unlinked_at FROM partner_link JOIN ended_link USING (id)
"""

# A minute for the time between the start of the rotation, which dates the new key, and its clock.
_ROTATED_KEYS = f"""
SELECT heir.id AS key_id, old.id AS replaces, heir.created_at, old.expires_at
FROM partner_key AS heir JOIN partner_key AS old ON old.id = heir.replaces
WHERE (heir.partner_id, heir.kind, heir.algorithm) <> (old.partner_id, old.kind, old.algorithm)
   OR (heir.scopes, heir.event_types, heir.regions, heir.sources)
      <> (old.scopes, old.event_types, old.regions, old.sources)
   OR heir.created_at < old.created_at
   OR coalesce(old.expires_at, 'infinity')
      > heir.created_at + interval '{OVERLAP_H_MAX} hours 1 minute'
"""

PARTNER_CHECKS = (
    Check(
        "links_one_at_a_time",
        "合作方的每个客户同一时间只关联一个账户",
        "A customer of a partner is linked with one account at a time",
        _LINKS,
    ),
    Check(
        "rotated_keys_end",
        "被轮换的密钥按时失效,新密钥权限不变",
        "A key whose place was taken ends with the overlap, and the new one may do no more",
        _ROTATED_KEYS,
    ),
)
