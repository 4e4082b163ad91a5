"""The first catalogue, v1.0: published with the programme itself, before any activity it covers.

The record in git of what was published. A file that no longer gives its hash was edited, and that
is never done: a change is a new version in a new file.
"""

from collections.abc import Mapping

LAUNCH: Mapping[tuple[str, str], str] = {
    ("TPH-FOOD-01", "1.0.0"): "a7f822e81e9e7e09b9a92fbc719cf69aa0ad0feedf41846071cba7f76034da4f",
    ("TPH-HOME-01", "1.0.0"): "58105abb60b7becd7f3534d4e269d582a84d4e2e62af575877f893deaeaa6e37",
    ("TPH-MARINE-01", "1.0.0"): "c54b79fa87757314cf30059b4726381ba28595af12bfcdb567159ad79dc7ee82",
    ("TPH-MOB-01", "1.0.0"): "5f7b1411e4950f2d1ad5308dec482fe01512ef2d5b560470c937a0d110df7911",
    ("TPH-MOB-02", "1.0.0"): "f97c3f7a99e8a52ea1702241180e0891661f37338616367a46726649072a6b75",
    ("TPH-MOB-03", "1.0.0"): "2f9be028922834b090aea31847e5dd16f31ae8d787d0db71509647e2c3f2b001",
    ("TPH-MOB-04", "1.0.0"): "a5b4a5687c294142d4feb209aa062cba60a76d750079c66e41abd98b105fc849",
    ("TPH-MOB-05", "1.0.0"): "19fdb3f2844825dfd62469e8893130b1835af98955a01628e747161b32475969",
    ("TPH-MOB-06", "1.0.0"): "cddfa8f0871ae4dd7fd2cc9936db8076ccd77445dd5b9b88ef4990b1021c8151",
    ("TPH-OFF-01", "1.0.0"): "905ea34c2138214a12b3a2b4642fbf059b8d4eda4b6d65723e5fc846bd7f5142",
    ("TPH-PACK-01", "1.0.0"): "39959726e4f78076ccf590a7361fc8cc468af8ec7209e12c4c156fa818f81ddd",
    ("TPH-TREE-01", "1.0.0"): "2f55cc52f106b3af218836c326c41f64f2b7d978d669ba41df04ba63d8411fde",
    ("TPH-WASTE-01", "1.0.0"): "0ab8aeb9380d90706e91e60e145d91964bb33e31b34c7199f39780de0b550a6e",
    ("TPH-WASTE-02", "1.0.0"): "83b29c5bfcb49df8788a9fe469f71c108a750fd65f8769bf2517b0853c20ea9a",
    ("TPH-WASTE-03", "1.0.0"): "9d0bc36a5433bb535999d5d7d7027814c1e21acc1440c00a8a7a956b1072a81d",
    ("TPH-WASTE-04", "1.0.0"): "63db09cbfd10034b735282f578a06870cafadca22720dc64385aa657a7560675",
}
