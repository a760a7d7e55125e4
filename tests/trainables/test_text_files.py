"""One reader of text: what it accepts, and what it refuses in one line."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from trainables.errors import UserError
from trainables.text_files import (
    checked_name,
    finite_number,
    parse_json,
    parse_yaml,
    read_json,
    read_text,
    read_yaml,
    seconds,
)


class TestText:
    def test_a_byte_order_mark_is_no_text(self, tmp_path: Path) -> None:
        (tmp_path / "a").write_bytes("\ufeffé".encode())
        assert read_text(tmp_path / "a") == "é"

    @pytest.mark.parametrize(
        ("content", "message"),
        [
            (b"a\nb\ncaf\xe9\n", r"a, line 3: byte 0xe9 is not UTF-8"),
            ("a".encode("utf-16"), r"a, line 1: byte 0xff is not UTF-8"),
            (b"a\n\0b", r"a, line 2: holds a zero byte"),
        ],
    )
    def test_the_line_that_is_no_utf8_is_named(self, tmp_path: Path, content: bytes, message: str) -> None:
        (tmp_path / "a").write_bytes(content)
        with pytest.raises(UserError, match=message):
            read_text(tmp_path / "a")

    def test_what_is_no_regular_file_is_refused_without_opening_it(self, tmp_path: Path) -> None:
        os.mkfifo(tmp_path / "fifo")
        with pytest.raises(UserError, match="is a FIFO, a socket or a device"):
            read_text(tmp_path / "fifo")
        with pytest.raises(UserError, match="is a folder"):
            read_text(tmp_path)
        with pytest.raises(UserError, match="No such file"):
            read_text(tmp_path / "nowhere")
        with pytest.raises(UserError, match="File name too long"):
            read_text(tmp_path / ("x" * 300))
        with pytest.raises(UserError, match="null byte"):
            read_text(tmp_path / "a\0b")

    def test_a_file_that_is_too_large_is_not_read(self, tmp_path: Path) -> None:
        with (tmp_path / "sparse").open("wb") as file:
            file.truncate(2**40)
        with pytest.raises(UserError, match="bytes, a file of this kind at most"):
            read_text(tmp_path / "sparse")


class TestJson:
    def test_a_repeated_key_is_named(self) -> None:
        with pytest.raises(UserError, match="x: the key 'b' stands twice"):
            parse_json('{"a": 1, "c": {"b": 1, "b": 2}}', "x")

    @pytest.mark.parametrize("text", ["[" * 100_000, '{"a":' * 100_000, "", "{", "[1,]", "nul"])
    def test_what_is_no_json_is_one_line(self, text: str) -> None:
        with pytest.raises(UserError, match=r"^x: ") as caught:
            parse_json(text, "x")
        assert "\n" not in str(caught.value)

    def test_huge_integers_are_floats(self) -> None:
        assert parse_json("[123456789012345678, " + "9" * 5000 + "]", "x") == [123456789012345678, float("inf")]

    def test_files_may_begin_with_a_byte_order_mark(self, tmp_path: Path) -> None:
        (tmp_path / "a.json").write_text('\ufeff{"a": 1}', encoding="utf-8")
        assert read_json(tmp_path / "a.json") == {"a": 1}


class TestYaml:
    def test_a_repeated_key_is_named_with_its_line(self) -> None:
        with pytest.raises(UserError, match=r"x: not valid YAML \(line 3\): the key 'b' stands twice"):
            parse_yaml("a:\n  b: 1\n  b: 2\n", "x")

    def test_a_merged_key_may_be_overridden(self) -> None:
        tree = parse_yaml("a: &a {b: 1, c: 2}\nd: &d {<<: *a, b: 3}\ne: {<<: *d, c: 4}\n", "x")
        assert (tree["d"], tree["e"]) == ({"b": 3, "c": 2}, {"b": 3, "c": 4})

    @pytest.mark.parametrize(
        "text",
        [
            "a: " + "[" * 5000,
            "a: " + "9" * 5000,
            "a: &a [*a]",
            "a0: &a0 [x, x]\n" + "".join(f"a{i}: &a{i} [*a{i - 1}, *a{i - 1}]\n" for i in range(1, 40)),
            "- a",
            "a: !!python/object:os.system {}",
            "a: 2020-99-99",
            "? [a]\n: b",
            "a: \x07",
        ],
    )
    def test_what_cannot_be_used_is_one_line_at_once(self, text: str) -> None:
        with pytest.raises(UserError, match=r"^x: "):
            parse_yaml(text, "x")

    def test_a_file_is_read(self, tmp_path: Path) -> None:
        (tmp_path / "a.yaml").write_text("\ufeffa: ü\n", encoding="utf-8")
        assert read_yaml(tmp_path / "a.yaml") == {"a": "ü"}


@pytest.mark.parametrize("value", ["1", " -1.5e-3 ", ".5", "5.", 3, 2.5])
def test_a_number_is_a_number(value: object) -> None:
    assert finite_number(value) == float(value)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "value", ["1_0", "١", "１", "inf", "nan", "1e400", "0x1", "", "1,5", "1 2", True, None, {}, [1], 1e999, "9" * 400]
)
def test_anything_else_is_no_number(value: object) -> None:
    with pytest.raises(ValueError, match="must be a number, got"):
        finite_number(value)


@pytest.mark.parametrize("value", ["", "  ", None, 7, "\ud800"])
def test_a_name_is_text_that_can_be_written(value: object) -> None:
    with pytest.raises(ValueError, match="must be"):
        checked_name(value)
    assert checked_name("日本") == "日本"


def test_a_time_lies_within_a_video() -> None:
    assert seconds("-1.5") == -1.5
    for value in ("1e10", -2e9, 1.7e308):
        with pytest.raises(ValueError, match="must be seconds within a video"):
            seconds(value)
