"""Real processes: a worker that dies, hangs or is handed nonsense, and what others notice.

What the workers run here comes from the standard library, so that a child imports nothing heavy.
"""

import asyncio
import io
import multiprocessing
import os
import signal
import time
from functools import partial

import pytest
from PIL import Image

from backend.processes import Pool, WorkerDied, WorkersUnavailable
from backend.workers import Workers, _limit_process, _prepare_scoring
from scoring.model_card import ModelNotInCard
from scoring.photo import PhotoUnreadable, SanitisedPhoto, sanitise
from scoring.plate import PlateScore
from tests.unit.test_plate import model_with_its_card


def make_upload(side=320, colour=(200, 190, 180)):
    buffer = io.BytesIO()
    Image.new("RGB", (side, side), colour).save(buffer, "JPEG")
    return buffer.getvalue()


@pytest.fixture(scope="module")
def upload():
    return make_upload()


@pytest.fixture
async def workers():
    async with Workers(1) as running:
        yield running


@pytest.fixture
async def pool():
    running = Pool(2, 1.0, _limit_process)
    yield running
    await running.close()


async def test_a_photo_is_sanitised_as_the_library_does_it(workers, upload):
    expected = await asyncio.to_thread(sanitise, upload)
    assert await workers.sanitise(upload) == expected
    assert isinstance(expected, SanitisedPhoto)


async def test_what_is_no_photo_is_refused_with_its_reason(workers):
    with pytest.raises(PhotoUnreadable, match="unsupported_type"):
        await workers.sanitise(b"%PDF-1.7")


async def test_scores_come_in_order_with_the_unreadable_one_as_a_value(workers, upload):
    photo = await workers.sanitise(upload)
    first, broken, last = await workers.score([photo.jpeg, b"no jpeg", photo.jpeg])
    assert isinstance(first, PlateScore)
    assert first == last
    assert first.model == await workers.model_sha256()
    assert isinstance(broken, PhotoUnreadable)
    assert broken.reason == "unsupported_type"


async def test_thumbnails_of_scores_are_laid_over_each_other(workers):
    noise = Image.effect_noise((320, 240), 60).resize((640, 480)).convert("RGB")
    buffer = io.BytesIO()
    noise.save(buffer, "JPEG")
    photo = await workers.sanitise(buffer.getvalue())
    [score] = await workers.score([photo.jpeg])
    asked = [(score.thumbnail, [score.thumbnail]), (score.thumbnail, [])]
    assert await workers.resemblances(asked) == [[10_000], []]
    assert await workers.resemblances([]) == []


async def test_a_process_that_dies_at_every_attempt_is_reported_and_the_next_call_works(pool):
    with pytest.raises(WorkerDied):
        await pool.call(os._exit, 1)
    assert await pool.call(abs, -7) == 7


async def test_a_call_beside_one_that_dies_gets_its_answer(pool):
    dying, beside = await asyncio.gather(
        pool.call(os._exit, 1),
        pool.call(eval, "__import__('time').sleep(0.5)"),
        return_exceptions=True,
    )
    assert isinstance(dying, WorkerDied)
    assert beside is None


async def test_a_call_that_lies_ready_behind_one_that_dies_gets_its_answer():
    pool = Pool(1, 5.0, _limit_process)
    dying, behind = await asyncio.gather(
        pool.call(os._exit, 1), pool.call(abs, -7), return_exceptions=True
    )
    assert isinstance(dying, WorkerDied)
    assert behind == 7
    await pool.close()


async def test_who_leaves_before_the_answer_does_not_get_the_answers_of_others_mixed_up():
    pool = Pool(1, 5.0, _limit_process)
    await pool.call(abs, 0)
    leaving = asyncio.create_task(pool.call(eval, "__import__('time').sleep(0.2)"))
    behind = asyncio.create_task(pool.call(abs, -7))
    await asyncio.sleep(0.05)
    leaving.cancel()
    assert await behind == 7
    assert await pool.call(abs, -8) == 8
    await pool.close()


async def test_an_error_of_a_call_is_raised_with_the_place_where_it_came_from(pool):
    with pytest.raises(ZeroDivisionError) as raised:
        await pool.call(eval, "1 / 0")
    assert "<string>" in raised.value.__notes__[0]


async def test_a_call_that_hangs_is_given_up_in_time_and_the_next_call_works(pool):
    await pool.call(abs, 0)  # starting a process is no part of the time limit
    began = time.monotonic()
    with pytest.raises(TimeoutError):
        await pool.call(eval, "__import__('time').sleep(60)")
    assert time.monotonic() - began < 3
    assert await pool.call(abs, -7) == 7


async def test_an_upload_that_kills_its_process_is_broken(workers, monkeypatch):
    monkeypatch.setattr("backend.workers.sanitise", eval)
    with pytest.raises(PhotoUnreadable, match="broken"):
        await workers.sanitise(b"__import__('os').abort()")


async def test_an_upload_that_takes_too_long_is_broken(workers, monkeypatch, upload):
    await workers.sanitise(upload)
    workers._sanitising.seconds_max = 0.2
    monkeypatch.setattr("backend.workers.sanitise", eval)
    with pytest.raises(PhotoUnreadable, match="broken"):
        await workers.sanitise(b"__import__('time').sleep(60)")


async def test_a_batch_in_the_model_does_not_delay_an_upload(workers, upload):
    await workers.sanitise(upload)
    photo = await workers.sanitise(upload)
    async with asyncio.TaskGroup() as group:
        scoring = group.create_task(workers.score([photo.jpeg] * 8))
        await workers.sanitise(upload)
        assert not scoring.done()


async def test_a_model_that_does_not_load_is_reported(tmp_path):
    pool = Pool(1, 5.0, partial(_prepare_scoring, tmp_path / "absent.onnx"))
    with pytest.raises(WorkersUnavailable):
        await pool.call(abs, -7)
    await pool.close()


async def test_a_start_is_told_of_a_file_that_its_card_names_and_that_is_no_model(tmp_path):
    before = set(multiprocessing.active_children())
    async with Workers(1, model_with_its_card(tmp_path, b"no model")) as running:
        with pytest.raises(ModelNotInCard, match="cannot run this file"):
            await running.model_sha256()
        assert set(multiprocessing.active_children()) == before


def fail_once(mark):
    """Of the processes that start, the first one ends before it is ready."""
    try:
        os.close(os.open(mark, os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        return
    os._exit(1)


async def test_where_some_processes_do_not_start_the_others_work_and_end(tmp_path):
    before = set(multiprocessing.active_children())
    for number in range(3):
        pool = Pool(3, 5.0, partial(fail_once, str(tmp_path / str(number))))
        assert await pool.call(abs, -7) == 7
        await pool.close()
        assert set(multiprocessing.active_children()) == before


async def test_an_interrupt_of_the_terminal_does_not_end_a_worker():
    pool = Pool(1, 5.0, _limit_process)
    before = await pool.call(eval, "__import__('os').getpid()")
    await pool.call(signal.raise_signal, signal.SIGINT)
    assert await pool.call(eval, "__import__('os').getpid()") == before
    await pool.close()


async def test_nothing_is_started_before_the_first_call_and_nothing_is_left_at_the_end(upload):
    before = set(multiprocessing.active_children())
    async with Workers(2) as running:
        assert set(multiprocessing.active_children()) <= before
        await running.sanitise(upload)
        assert set(multiprocessing.active_children()) - before
    assert set(multiprocessing.active_children()) <= before
