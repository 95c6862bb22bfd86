"""Files of strangers in processes of their own: the same pictures as without, and no way out."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as PillowImage

from api import decoders, decoding_process
from api.decoders import DecoderProcesses
from api.processes import ROOT
from ml.fingerprint import fingerprint
from ml.formats.stripping import strip
from ml.full_size import full_size
from ml.image import ImageError, Reason, decode
from ml.png import written
from tests.bad_images import BOMBS, OTHER_FORMATS, REFUSED
from tests.dicom_files import LOSSLESS_SYNTAXES, LOSSY_SYNTAXES
from tests.image_files import DEEP_FILES, LOSSLESS, LOSSY, encoded
from tests.stand_ins import picture, sha256

MADE = {
    name: lambda given=given: encoded(given[0], given[1], **given[2])
    for name, given in (LOSSLESS | LOSSY).items()
}
FILES: dict[str, Callable[[], bytes]] = {**MADE, **DEEP_FILES, **LOSSLESS_SYNTAXES, **LOSSY_SYNTAXES}


OWNER = 1


@pytest.fixture
def processes() -> DecoderProcesses:
    return DecoderProcesses()


@pytest.fixture
def odd() -> DecoderProcesses:
    """Decoders that do what their files say."""
    return DecoderProcesses("tests.odd_decoder")


def test_every_kind_of_file_gives_what_it_gives_without(processes: DecoderProcesses) -> None:
    for name, make in FILES.items():
        data = make()
        found, kept = processes.inspect(OWNER, data), strip(data)
        expected = decode(kept)
        assert (found.sha256, found.size) == (sha256(data), len(data))
        assert found.fingerprint == fingerprint(expected.pixels)
        assert found.picture == kept, name
        for ours, theirs in (
            (found.decoded, expected),
            (processes.decode(OWNER, data), decode(data)),
        ):
            assert (ours.format, ours.media_type) == (theirs.format, theirs.media_type)
            assert (ours.width, ours.height) == (theirs.width, theirs.height)
            np.testing.assert_array_equal(ours.pixels, theirs.pixels, name)
    assert len(processes.pids) == 1


def test_what_is_refused_is_refused_in_the_same_words(processes: DecoderProcesses) -> None:
    bad: dict[str, Callable[[], bytes]] = {
        **{name: make for name, (_, make) in REFUSED.items()},
        **OTHER_FORMATS,
        **{f"{name} bomb": make for name, make in BOMBS.items()},
    }
    for name, make in bad.items():
        data = make()
        with pytest.raises(ImageError) as expected:
            decode(strip(data))
        with pytest.raises(ImageError) as refused:
            processes.inspect(OWNER, data)
        assert (refused.value.reason, str(refused.value)) == (expected.value.reason, str(expected.value)), (
            name
        )
    assert len(processes.pids) == 1


def test_every_kind_of_file_is_written_anew_as_it_is_without(processes: DecoderProcesses) -> None:
    for name, make in FILES.items():
        kept = strip(make())
        assert b"".join(processes.png(OWNER, kept)) == b"".join(written(full_size(kept))), name
    with pytest.raises(ImageError):
        processes.png(OWNER, kept[:300])
    assert processes.decode(OWNER, kept)
    assert len(processes.pids) == 1


def test_a_hundred_megapixels_are_within_the_bounds(processes: DecoderProcesses) -> None:
    white = encoded(PillowImage.new("RGBA", (10_000, 10_000), "white"), "PNG")
    floats = encoded(PillowImage.new("F", (7_000, 7_000), 1.5), "TIFF", compression="tiff_adobe_deflate")
    assert processes.decode(OWNER, white).width == 10_000
    assert processes.inspect(OWNER, floats).decoded.width == 7_000
    with pytest.raises(ImageError) as refused:
        processes.png(OWNER, white)
    assert refused.value.reason is Reason.TOO_LARGE


def test_the_largest_that_is_shown_is_within_the_bounds(processes: DecoderProcesses) -> None:
    white = encoded(PillowImage.new("RGBA", (4_000, 4_000), "white"), "PNG")
    assert sum(map(len, processes.png(OWNER, white))) > 10**5


def test_as_many_as_there_are_callers_and_each_is_used_again(processes: DecoderProcesses) -> None:
    data = picture(1)
    with ThreadPoolExecutor(3) as threads:
        for _ in range(4):
            assert (
                len({found.sha256 for found in threads.map(partial(processes.inspect, OWNER), [data] * 9)})
                == 1
            )
    assert 1 <= len(processes.pids) <= 3


def test_those_that_are_started_are_used(processes: DecoderProcesses) -> None:
    processes.start(1)
    before = processes.pids
    processes.decode(OWNER, picture(1))
    assert processes.pids == before


def test_one_that_others_ended_is_no_fault_of_the_file(processes: DecoderProcesses) -> None:
    processes.start(2)
    for pid in processes.pids:
        os.kill(pid, signal.SIGKILL)
    assert processes.decode(OWNER, picture(1)).width == 96


def test_what_ends_over_its_file_refuses_it_alone(
    odd: DecoderProcesses, caplog: pytest.LogCaptureFixture
) -> None:
    file = str(int(signal.SIGSEGV)).encode()
    with pytest.raises(ImageError, match=r"^The file ends what decodes it\.$") as refused:
        odd.decode(OWNER, file)
    assert refused.value.reason is Reason.CORRUPT
    pids = odd.pids
    with pytest.raises(ImageError):
        odd.decode(OWNER, b"leaves")
    said = [f"what decoded a file ended with status {status}" for status in ("-11 (SIGSEGV)", "3")]
    assert caplog.messages == said
    assert odd.decode(OWNER, b"tells").width == 3
    assert odd.pids == pids


def test_what_is_killed_is_no_fault_of_the_file(odd: DecoderProcesses) -> None:
    with pytest.raises(RuntimeError, match=r"ended with status -9 \(SIGKILL\)$"):
        odd.decode(OWNER, str(int(signal.SIGKILL)).encode())


def test_no_file_meets_one_of_another_owner(odd: DecoderProcesses) -> None:
    """The stand-in's pictures are as high as it has seen files."""
    owners = [1, 1, 2, 1, 1, 2]
    assert [odd.decode(owner, b"tells").height for owner in owners] == [1, 2, 1, 1, 2, 1]
    assert len(odd.pids) == 1


def test_of_those_that_are_idle_the_owner_s_own_is_asked(odd: DecoderProcesses) -> None:
    odd.start(2)
    assert [odd.decode(owner, b"tells").height for owner in (1, 2, 1, 2, 3, 2)] == [1, 1, 2, 2, 1, 3]


def test_what_has_spent_much_is_asked_no_more(odd: DecoderProcesses) -> None:
    assert [odd.decode(OWNER, order).height for order in (b"tells", b"tires", b"tells")] == [1, 2, 1]


def test_time_and_memory_end(odd: DecoderProcesses) -> None:
    with pytest.raises(ImageError, match=r"^Decoding the file takes more than 2048 MB of memory\.$"):
        odd.decode(OWNER, b"eats")
    with pytest.raises(ImageError, match=r"^Decoding the file takes more than 20 seconds\.$"):
        odd.decode(OWNER, b"loops")


def test_memory_that_a_codec_is_refused_is_told_as_such(monkeypatch: pytest.MonkeyPatch) -> None:
    def eat(container: object) -> None:
        raise MemoryError

    monkeypatch.setattr("ml.image._shrunk", lambda image, container: eat(container))
    told, parts = decoding_process._answer(decoding_process.WORKS["decode"], picture(1))
    assert told["message"] == "Decoding the file takes more than 2048 MB of memory."
    assert parts == []


@pytest.mark.parametrize("order", ["sleeps", "drips"])
def test_what_comes_to_no_end_is_ended_and_its_file_may_come_again(
    odd: DecoderProcesses, monkeypatch: pytest.MonkeyPatch, order: str
) -> None:
    odd.decode(OWNER, b"tells")
    (pid,) = odd.pids
    monkeypatch.setattr(decoders, "PATIENCE_SECONDS", 1.0)
    with pytest.raises(TimeoutError):
        odd.decode(OWNER, order.encode())
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    assert odd.pids == []


def test_what_does_not_end_for_another_owner_is_left(
    odd: DecoderProcesses, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decoders, "PARTING_SECONDS", 0.5)
    odd.decode(OWNER, b"lingers")
    before = odd.pids
    assert odd.decode(OWNER + 1, b"tells").height == 1
    assert odd.pids != before


@pytest.mark.parametrize("order", ["opens", "connects"])
def test_nothing_can_be_opened(odd: DecoderProcesses, order: str) -> None:
    with pytest.raises(RuntimeError, match="Too many open files"):
        odd.decode(OWNER, order.encode())


@pytest.mark.parametrize(
    "order",
    [
        *("another type", "another shape", "one side", "three sides", "no side", "a huge side", "true"),
        *("no number", "much", "lengths that are no numbers"),
    ],
)
def test_an_answer_that_lies_is_not_believed(odd: DecoderProcesses, order: str) -> None:
    with pytest.raises(ValueError, match=r"answer|reshape|message|unpack"):
        odd.decode(OWNER, order.encode())


@pytest.mark.parametrize(
    "order",
    [
        *("no channel", "five channels", "another depth", "true", "a huge side", "sides that are too much"),
        *("half a row", "a row less", "a row more", "all at once", "much"),
    ],
)
def test_samples_that_lie_become_no_picture(odd: DecoderProcesses, order: str) -> None:
    assert sum(map(len, odd.png(OWNER, b"tells"))) > 60
    with pytest.raises(ValueError, match=r"answer|reshape|rows|message"):
        odd.png(OWNER, order.encode())
    assert odd.pids == []


def test_one_that_does_not_begin_is_no_fault_of_the_file() -> None:
    with pytest.raises(Exception, match="did not begin") as raised:
        DecoderProcesses("tests.no_such_module").decode(OWNER, picture(1))
    assert not isinstance(raised.value, ImageError)


def test_it_is_told_no_secret(processes: DecoderProcesses, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COVIDXR_SECRET_KEY", "secret")
    processes.decode(OWNER, picture(1))
    (pid,) = processes.pids
    names = {entry.partition(b"=")[0] for entry in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")}
    assert names <= {b"", b"PATH", b"LANG", b"LD_LIBRARY_PATH", b"OPENBLAS_NUM_THREADS"}


def test_those_of_nobody_end() -> None:
    processes = DecoderProcesses()
    processes.start(1)
    (pid,) = processes.pids
    del processes
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_it_outlives_signals_and_ends_with_whoever_started_it() -> None:
    told = subprocess.run(
        [sys.executable, "-c", ABANDON], cwd=ROOT, check=True, capture_output=True, text=True
    )
    pid = int(told.stdout)
    for _ in range(100):
        if not Path(f"/proc/{pid}/exe").exists():
            return
        time.sleep(0.05)
    raise AssertionError("it is still there")


ABANDON = """
import os, signal
from api.decoders import DecoderProcesses
from tests.stand_ins import picture
processes = DecoderProcesses()
processes.decode(1, picture(1))
(pid,) = processes.pids
os.kill(pid, signal.SIGTERM)
os.kill(pid, signal.SIGINT)
processes.decode(1, picture(1))
assert processes.pids == [pid]
print(pid, flush=True)
os._exit(0)  # as one that is killed
"""
