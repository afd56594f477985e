"""The event log: what it holds comes back, and no change of a line, its place or its number goes unseen."""

import datetime as dt
import json
import multiprocessing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrp_audit.errors import EventLogError
from lrp_audit.history.events import START, Act, append, check, read

NOON = dt.datetime(2026, 11, 16, 12, tzinfo=dt.UTC)

text = st.text(st.characters(codec="utf-8"), max_size=20)
acts = st.builds(
    Act,
    kind=st.sampled_from(["review", "correction", "signature", "withdrawal"]),
    time=st.datetimes(timezones=st.just(dt.timezone(dt.timedelta(hours=2)))),
    by=text,
    role=text,
    details=st.dictionaries(text, text, max_size=3),
    record_sha256=text,
)


def act(by: str = "R. Osei", **details: str) -> Act:
    return Act(kind="review", time=NOON, by=by, role="Credit officer", details=details, record_sha256="ab" * 32)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """A log of four events."""
    path = tmp_path / "events.jsonl"
    append(path, [act(str(number)) for number in range(4)])
    return path


@given(st.lists(acts, max_size=5))
def test_what_is_appended_is_read_in_order(tmp_path_factory: pytest.TempPathFactory, given_acts: list[Act]) -> None:
    path = tmp_path_factory.mktemp("log") / "events.jsonl"
    for item in given_acts:
        append(path, [item])
    found = read(path)
    assert [Act(**{name: value for name, value in event if name in Act.model_fields}) for event in found] == given_acts
    assert [event.sequence for event in found] == list(range(1, len(given_acts) + 1))
    together = path.with_name("together.jsonl")
    append(together, given_acts)
    assert read(together) == found


@given(position=st.integers(0, 10_000), byte=st.integers(0, 255))
def test_no_changed_byte_goes_unseen(tmp_path_factory: pytest.TempPathFactory, position: int, byte: int) -> None:
    path = tmp_path_factory.mktemp("log") / "events.jsonl"
    append(path, [act(str(number)) for number in range(3)])
    content = bytearray(path.read_bytes())
    position %= len(content)
    head, changed = check(path).head, content[position] != byte
    content[position] = byte
    path.write_bytes(content)
    found = check(path)
    assert (found.problem is not None or found.head != head) is changed
    if position < content.rindex(b"\n", 0, -1):  # the last line is protected by the head alone
        assert (found.problem is not None) is changed


@given(st.permutations(range(4)), st.integers(0, 4))
def test_lines_cannot_be_moved_or_removed(
    tmp_path_factory: pytest.TempPathFactory, order: list[int], kept: int
) -> None:
    path = tmp_path_factory.mktemp("log") / "events.jsonl"
    append(path, [act(str(number)) for number in range(4)])
    head, lines = check(path).head, path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[place] for place in order[:kept]))
    found = check(path)
    beginning = order[:kept] == list(range(kept))
    assert (found.problem is None) is beginning  # a log cut short is a chain still
    assert (found.head == head) is (beginning and kept == 4)  # and its head tells


def test_a_line_written_again_with_another_layout_is_seen(log: Path) -> None:
    first, *others = log.read_text().splitlines(keepends=True)
    log.write_text("".join([json.dumps(json.loads(first)) + "\n", *others]))
    assert "line 1 was changed" in str(check(log).problem)


@given(st.integers(1, 400))
def test_a_torn_last_line_is_seen_and_nothing_is_appended(tmp_path_factory: pytest.TempPathFactory, lost: int) -> None:
    path = tmp_path_factory.mktemp("log") / "events.jsonl"
    append(path, [act("first")])
    whole = path.read_bytes()
    append(path, [act("second")])
    torn = path.read_bytes()[: max(len(whole) + 1, len(path.read_bytes()) - lost)]
    path.write_bytes(torn)
    found = check(path)
    assert [event.by for event in found.events] == ["first"]
    assert "line 2 is torn" in str(found.problem)
    with pytest.raises(EventLogError, match=r"line 2 is torn.*remove that line"):
        append(path, [act("third")])
    assert path.read_bytes() == torn
    path.write_bytes(whole)
    append(path, [act("third")])
    assert [event.by for event in read(path)] == ["first", "third"]


def test_a_broken_log_is_not_read(log: Path) -> None:
    log.write_bytes(log.read_bytes().replace(b'"by":"1"', b'"by":"7"'))
    with pytest.raises(EventLogError, match="line 3 does not continue"):
        read(log)


def test_no_file_is_an_empty_log(tmp_path: Path) -> None:
    assert read(tmp_path / "events.jsonl") == ()
    assert check(tmp_path / "events.jsonl").head == START
    assert append(tmp_path / "events.jsonl", []) == ()
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_leaves_the_log_as_it_was(log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = log.read_bytes()

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(EventLogError, match="No space left on device"):
        append(log, [act()])
    assert log.read_bytes() == before


def _append_ten(path: Path) -> None:
    for _ in range(10):
        append(path, [act()])


def test_two_processes_append_one_after_the_other(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    context = multiprocessing.get_context("forkserver")
    workers = [context.Process(target=_append_ten, args=(path,)) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert len(read(path)) == 20
