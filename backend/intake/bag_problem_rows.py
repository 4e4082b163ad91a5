"""The sentences that people read when a bag's code or weight is refused."""

from collections.abc import Mapping

from backend.errors import DomainError
from backend.http.problem import ProblemType
from backend.intake.bag_photo import BagCodeNotSeen, SeveralBagsSeen
from backend.intake.bag_routes import WeighingNotClear
from backend.recycling.domain import (
    BagAlreadyBound,
    BagAlreadySorted,
    BagAlreadyWeighed,
    BagCodeMistyped,
    BagDoubtDecided,
    BagForeign,
    BagLapsed,
    BagLost,
    BagNotBound,
    BagNotLosable,
    BagUnknown,
    BagUsed,
    SortingNotFitting,
)

BAG_PROBLEMS: Mapping[type[DomainError], ProblemType] = {
    BagUnknown: ProblemType(
        "bag-unknown", 404, "没有找到这个回收袋", "Bag unknown",
        "请重新扫描袋上的二维码", "Scan the code on the bag again",
    ),
    BagForeign: ProblemType(
        "bag-foreign", 404, "这不是本项目的回收袋", "Not a bag of this programme",
        "请扫描本项目回收袋上的二维码", "Scan the code on a bag of this programme",
    ),
    BagCodeMistyped: ProblemType(
        "bag-code-mistyped", 422, "编码有误", "Code mistyped",
        "请对照袋上的编码逐位检查,或改为扫码", "Compare it with the bag, or scan the code instead",
    ),
    BagCodeNotSeen: ProblemType(
        "bag-code-not-seen", 422, "照片里没有找到二维码", "No code in the photo",
        "请靠近拍摄:二维码拍正、拍全、占画面三分之一以上,避开反光和折痕;也可以输入袋上的编码",
        "Come closer: the whole code, flat and straight, a third of the picture, without glare or"
        " folds; or type the code on the bag",
    ),
    SeveralBagsSeen: ProblemType(
        "several-bags-seen", 422, "照片里有多个回收袋", "Several bags in the photo",
        "请每次只拍一个回收袋的二维码", "Photograph the code of one bag at a time",
    ),
    BagAlreadyBound: ProblemType(
        "bag-already-bound", 409, "这个回收袋已被绑定", "Bag already bound",
        "请换一个新的回收袋", "Take a new bag",
    ),
    BagUsed: ProblemType(
        "bag-used", 409, "这个回收袋已经使用过", "Bag already used",
        "每个编码只用一次,请换一个新的回收袋", "A code counts once; take a new bag",
    ),
    BagNotBound: ProblemType(
        "bag-not-bound", 409, "这个回收袋还没有绑定", "Bag not bound",
        "请先让居民扫码绑袋", "Let the member scan it first",
    ),
    BagAlreadyWeighed: ProblemType(
        "bag-already-weighed", 409, "这个回收袋已称重", "Bag already weighed",
        "如需更正,请联系运营人员", "Ask the operator for a correction if the first result is wrong",
    ),
    BagAlreadySorted: ProblemType(
        "bag-already-sorted", 409, "这个回收袋已分拣", "Bag already sorted",
        "如需更正,请联系运营人员", "Ask the operator for a correction if the first result is wrong",
    ),
    BagLapsed: ProblemType(
        "bag-lapsed", 409, "绑定已超过 14 天", "Binding lapsed",
        "请重新领取并绑定新的回收袋", "Take and bind a new bag",
    ),
    BagLost: ProblemType(
        "bag-lost", 409, "这个回收袋已被报告丢失", "Bag reported lost",
        "请把袋子放在一边并联系运营人员", "Set the bag aside and tell the operator",
    ),
    BagNotLosable: ProblemType(
        "bag-handed-over", 409, "这个回收袋已经交出", "Bag handed over",
        "袋子已在站点,请等待称重结果", "It is at the station; wait for its weight",
    ),
    BagDoubtDecided: ProblemType(
        "bag-doubt-decided", 409, "这次称重已核实", "Weighing decided",
        "请刷新后查看结果", "Look at the outcome",
    ),
    SortingNotFitting: ProblemType(
        "sorting-not-fitting", 422, "分拣合计与称重不符", "Sorting does not fit the weight",
        "请检查各材料、残渣和损耗的重量,合计与 weighed_g 相差不得超过 tolerance_g",
        "Check materials, residue and loss: together within tolerance_g of weighed_g",
    ),
    WeighingNotClear: ProblemType(
        "weighing-not-clear", 422, "称重结果有误", "Weighing not clear",
        "请只给出总重 mass_g,或给出分拣结果 materials、residue_g(可加 loss_g),合计不超过 50 千克",
        "Give either mass_g, or materials and residue_g with loss_g if known, at most 50 kg in all",
    ),
}  # fmt: skip
