import os
import sys
import time
from pathlib import Path

import pytest

from beadsmith.errors import ProblemError
from beadsmith.problem import document
from beadsmith.problem.document import DEEPEST_NESTING, LARGEST_FILE, MOST_NODES, read_document, write_document

BOMB = "a: &a [1, 1, 1, 1, 1, 1, 1, 1, 1]\n" + "".join(
    f"{later}: &{later} [{', '.join([f'*{earlier}'] * 9)}]\n"
    for earlier, later in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.fixture
def read(tmp_path: Path):
    def read_text(content: str | bytes):
        path = tmp_path / "file.yaml"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return read_document(path)

    return read_text


@pytest.mark.parametrize(
    ("content", "fragment"),
    [
        pytest.param("", "an empty file", id="empty"),
        pytest.param("# only a comment\n---\n", "mapping", id="nothing but a comment"),
        pytest.param("- 1\n- 2\n", "received a list, expected a YAML mapping", id="list"),
        pytest.param("just words", "received a single value, expected a YAML mapping", id="scalar"),
        pytest.param("a: 1\nb: 2\na: 3\n", "the key 'a' twice in the section of line 1", id="key twice"),
        pytest.param("a:\n  b: {c: 1, c: 2}\n", "the key 'c' twice in the section of line 2", id="inner key twice"),
        pytest.param(BOMB, "entries once its aliases are written out", id="bomb"),
        pytest.param("a: &a\n  b: *a\n", "an alias inside itself in line 1", id="alias of itself"),
        pytest.param("a: &a [*a]\n", "an alias inside itself in line 1", id="list that holds itself"),
        pytest.param("a: " + "[" * 500 + "]" * 500, f"more than {DEEPEST_NESTING} levels", id="deep"),
        pytest.param("a: " + "[" * 800, "levels", id="deeper than the stack"),
        pytest.param("a: [1, 2", "while parsing a flow sequence, expected ',' or ']'", id="unclosed"),
        pytest.param("a: b: c", "in line 1", id="two colons"),
        pytest.param("a: 1\n---\nb: 2\n", "expected a single document", id="two documents"),
        pytest.param("a: !!python/object/apply:os.system [ls]", "expected valid YAML", id="object"),
        pytest.param("a: *nowhere", "undefined alias", id="alias of nothing"),
        pytest.param("? [a]\n: 1", "unhashable key", id="list as key"),
        pytest.param("a: " + "9" * 5000, "a number or date in it cannot be read", id="huge number"),
        pytest.param("a: 2024-13-45", "a number or date in it cannot be read", id="no such date"),
        pytest.param(b"a: \xff\xfe\x00", "bytes that are not text at 3", id="not text"),
        pytest.param(b"\x7fELF\x02\x01\x01\x00", "expected valid YAML", id="binary"),
        pytest.param("a: " + "x" * LARGEST_FILE, f"expected at most {LARGEST_FILE} bytes", id="huge file"),
    ],
)
def test_files_that_are_no_plain_mapping_get_one_sentence(read, tmp_path, content, fragment):
    started = time.process_time()
    with pytest.raises(ProblemError) as caught:
        read(content)
    message = str(caught.value)
    assert message.startswith(f"{tmp_path}/file.yaml: ")
    assert fragment in message
    assert message.isprintable()
    assert time.process_time() - started < 5.0


def test_what_is_no_file_is_told_apart(tmp_path: Path):
    with pytest.raises(ProblemError, match="received no such file, expected a YAML file; check the path"):
        read_document(tmp_path / "missing.yaml")
    with pytest.raises(ProblemError, match="received a folder, expected a YAML file"):
        read_document(tmp_path)


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() == 0, reason="the superuser may read everything")
def test_a_file_that_may_not_be_read(tmp_path: Path):
    path = tmp_path / "secret.yaml"
    path.write_text("a: 1")
    path.chmod(0)
    with pytest.raises(ProblemError, match="expected a file that can be read; Permission denied"):
        read_document(path)


def test_honest_use_of_aliases_and_merges_is_fine(read):
    text = "base: &base {x: 1, y: [1, 2]}\nother: {<<: *base, x: 3}\nlist: [*base, *base]\n"
    assert read(text)["other"] == {"x": 3, "y": [1, 2]}
    assert read(text)["list"] == [{"x": 1, "y": [1, 2]}] * 2


def test_the_limits_are_on_what_is_written_out(read, monkeypatch):
    monkeypatch.setattr(document, "MOST_NODES", 20)
    # Root, key and list, and entries: 18 of them are 21 nodes.
    assert len(read(f"a: [{', '.join('x' * 17)}]")["a"]) == 17
    with pytest.raises(ProblemError, match="received 21 entries"):
        read(f"a: [{', '.join('x' * 18)}]")


def test_nesting_is_allowed_up_to_its_limit(read):
    def nested(levels: int) -> str:
        return "a: " + "[" * levels + "]" * levels

    assert read(nested(DEEPEST_NESTING))["a"] is not None
    with pytest.raises(ProblemError, match="a flatter file"):
        read(nested(DEEPEST_NESTING + 1))


def test_a_wide_section_is_read(read):
    wide = "".join(f"k{number}: 1\n" for number in range(1_000))
    assert len(read(wide)) == 1_000 < MOST_NODES


def test_what_is_written_reads_back_in_the_same_order(tmp_path: Path):
    path = tmp_path / "model.yaml"
    content = {"title": "Å and µ: kept", "b": [1.5, "x"], "a": {"z": None, "y": True}}
    write_document(path, content)
    assert read_document(path) == content
    assert list(read_document(path)) == ["title", "b", "a"]
    assert [entry.name for entry in tmp_path.iterdir()] == ["model.yaml"]
