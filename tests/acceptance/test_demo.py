"""The demo as a stranger runs it: another process, the real API, a durable database."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

TANHUI = Path(sys.executable).with_name("tanhui")
COUNT = 12
SECONDS_MAX = 100  # some ten on an idle machine


def run_demo(folder, *arguments):
    return subprocess.run(
        [TANHUI, "demo", "--once", *arguments],
        env={**os.environ, "TANHUI_DATA_DIR": str(folder)},
        capture_output=True,
        text=True,
        check=False,
        timeout=SECONDS_MAX,
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("demo")


@pytest.fixture(scope="module")
def ran(folder):
    return run_demo(folder, "--json", "--count", str(COUNT))


@pytest.fixture(scope="module")
def summary(ran):
    assert ran.returncode == 0, ran.stderr[-4000:]
    return json.loads(ran.stdout.splitlines()[-1])


def test_the_last_line_is_the_summary_and_the_rest_is_elsewhere(ran, summary):
    assert ran.stdout.count("\n") == 1
    assert summary.keys() == {
        *("check_ins", "credited", "rejected", "in_review", "duplicates_refused"),
        *("grams", "points", "points_spent", "seconds", "photos", "verify", "data"),
    }
    assert (summary["photos"], summary["data"]) == (COUNT, "simulated")


def test_each_acknowledged_check_in_has_one_outcome(summary):
    outcomes = summary["credited"] + summary["in_review"] + summary["rejected"]
    assert outcomes == summary["check_ins"] > COUNT


def test_used_photos_are_refused_and_the_ledger_stands(summary):
    assert summary["duplicates_refused"] >= 1
    assert summary["verify"] == "ok"
    assert summary["grams"] > 0
    assert summary["points"] > 0


def test_the_screen_begins_and_ends_with_simulated_data(ran):
    lines = [line for line in ran.stderr.splitlines() if line]
    assert "模拟数据" in lines[0]
    assert "模拟数据" in lines[-1]
    assert "减碳量按公开方法学估算,不是核证减排量,不可交易。" in ran.stderr


@pytest.mark.parametrize(
    "told",
    [
        r"trays 4: .*(credited|in review|not counted) \d",
        r"Bags picked up at the door · 户 homes 2, .* 克 g → 减碳 reduction 345 克 gCO2e",
        r"Plastic from the sea · 交投 hand-ins 11, [\d,]+ 克 g, 已付 paid \d+\.\d\d 元 yuan",
        r"Trees · .* 3 棵, .* → 减碳 reduction 5,370 克 gCO2e",
        r"Card of somebody without a phone · .* 减碳 reduction [\d,]+ 克 gCO2e, 积分 points \d",
        r"trace of the plastic  /trace/[0-9A-Z]{12}",
        r"tree certificate  /certificates/[0-9]{4}-[0-9A-Z]{10}",
    ],
)
def test_partners_and_devices_are_told_with_units_and_pages(ran, told):
    assert re.search(told, ran.stderr)


def test_points_buy_a_reward_that_the_till_settles_once(ran, summary):
    assert summary["points_spent"] == 15
    day = ran.stderr.partition("■ 全城同时打卡")[0]
    assert re.search(r"待使用 ready to use · 15 积分 points · 冻结 held 15", day)
    assert re.search(r"已核销 settled · 应付商户 due to the merchant 15 积分 points", day)
    assert re.search(
        r"The same voucher again\n +已核销 · 该券已使用.*\n +Already settled · It was", day
    )
    assert re.search(r"核销 settle +-15  points", day)
    assert re.search(r"麦浪早点铺 +豆浆一杯 +15", ran.stderr)


def test_a_second_run_on_the_same_folder_is_a_new_day_of_other_members(folder, summary):
    ran = run_demo(folder, "--json", "--count", "5")
    assert ran.returncode == 0, ran.stderr[-4000:]
    second = json.loads(ran.stdout.splitlines()[-1])
    assert second["check_ins"] < summary["check_ins"]
    assert second["credited"] + second["in_review"] + second["rejected"] == second["check_ins"]


@pytest.mark.parametrize("arguments", [["--count", "0"], ["--photos", "no-such-folder"]])
def test_wrong_input_is_said_before_anything_starts(tmp_path, arguments):
    ran = run_demo(tmp_path / "data", *arguments)
    assert (ran.returncode, ran.stdout.count("✗")) == (2, 1)
    assert not (tmp_path / "data").exists()
