"""Checks of pledges and certificates of trees."""

from backend.verify.check import Check

_FULFILLED = """
WITH planted AS (SELECT pledge_id, sum(trees) AS trees FROM tree_planting GROUP BY pledge_id)
SELECT pledge.id AS pledge_id, pledge.trees, fulfilled, coalesce(planted.trees, 0) AS planted
FROM tree_pledge AS pledge LEFT JOIN planted ON pledge_id = pledge.id
WHERE fulfilled <> coalesce(planted.trees, 0)
"""

_DEAD = """
WITH died AS (SELECT planting_id, sum(trees) AS trees FROM tree_death GROUP BY planting_id)
SELECT planting.id AS planting_id, planting.trees, dead, coalesce(died.trees, 0) AS died
FROM tree_planting AS planting LEFT JOIN died ON planting_id = planting.id
WHERE dead <> coalesce(died.trees, 0)
"""

_SAME_PARTNER = """
SELECT planting.id AS planting_id, planting.partner_id, project.partner_id AS project_partner_id
FROM tree_planting AS planting JOIN tree_pledge AS pledge ON pledge.id = pledge_id
JOIN tree_project AS project ON project.id = project_id
WHERE planting.partner_id <> project.partner_id
"""

TREE_CHECKS = (
    Check(
        "tree_pledges_fulfilled",
        "认捐的已履约株数等于其证书株数之和",
        "A pledge is fulfilled by the trees of its certificates",
        _FULFILLED,
    ),
    Check(
        "tree_deaths_add_up",
        "每次栽植的死亡株数等于登记之和",
        "The dead trees of a planting are those that were recorded",
        _DEAD,
    ),
    Check(
        "trees_planted_by_their_project",
        "树木由认捐项目的单位栽植",
        "Trees are planted by the partner of the project that they were pledged to",
        _SAME_PARTNER,
    ),
)
