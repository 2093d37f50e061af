"""Tables of text: what is guessed, what can be overridden, what is refused, and what becomes samples."""

from __future__ import annotations

import contextlib
import csv
import io
import math
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import DataError
from core.import_table import (
    IGNORED,
    LONGEST_NAME,
    Coding,
    ColumnRole,
    Use,
    find_bad_cells,
    guess_roles,
    make_samples,
    role_choices,
    usable_names,
)
from core.network import Network
from core.table_file import DELIMITERS, MOST_ROWS, Table, is_table, parse_table, read_table, read_text

INPUT, TARGET = ColumnRole(Use.INPUT), ColumnRole(Use.TARGET)
TARGET_CLASSES = ColumnRole(Use.TARGET, Coding.CLASSES)
IRIS = "length,width,species\n5.1,3.5,setosa\n7.0,3.2,versicolor\n6.3,3.3,virginica\n4.9,3.0,setosa\n"


def columns(table: Table) -> dict[str, list[float]]:
    return {column.name: column.values.tolist() for column in table.columns}


# Round trips

finite = st.floats(allow_nan=False, allow_infinity=False)
words = st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "S", "Zs")), min_size=1, max_size=12)
line_ends = st.sampled_from(["\n", "\r\n", "\r"])


@st.composite
def number_tables(draw: st.DrawFn) -> list[list[float]]:
    width, height = draw(st.integers(2, 5)), draw(st.integers(2, 12))
    return [[draw(finite) for _ in range(width)] for _ in range(height)]


def write(rows: list[list[str]], *, delimiter: str, quoting: Literal[0, 1, 2, 3], end: str) -> str:
    stream = io.StringIO(newline="")
    csv.writer(stream, delimiter=delimiter, quoting=quoting, lineterminator=end).writerows(rows)
    return stream.getvalue()


@given(
    number_tables(),
    st.sampled_from(list(DELIMITERS)),
    st.sampled_from([".", ","]),
    st.booleans(),
    st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    line_ends,
    st.booleans(),
)
def test_numbers_of_every_dialect_are_read_as_they_were_written(
    numbers: list[list[float]],
    delimiter: str,
    decimal: str,
    header: bool,
    quoting: Literal[0, 1, 2, 3],
    end: str,
    told: bool,
) -> None:
    rows = [[repr(value).replace(".", decimal) for value in row] for row in numbers]
    if delimiter == "," and decimal == ",":
        quoting = csv.QUOTE_ALL
    names = [f"name {i}" for i in range(len(rows[0]))]
    text = write([*([names] if header else []), *rows], delimiter=delimiter, quoting=quoting, end=end)
    # Whether "1e5" has a decimal comma cannot be seen; a comma that separates cells cannot be the decimal one.
    marked = any(decimal in cell for row in rows for cell in row)
    table = (
        parse_table(text, delimiter=delimiter, header=header, decimal=decimal)
        if told or (delimiter == "," and decimal == ",")
        else parse_table(text)
    )
    assert (table.delimiter, table.header) == (delimiter, header)
    assert table.decimal == decimal or not marked
    assert [list(row) for row in zip(*columns(table).values(), strict=True)] == numbers
    if header:
        assert [column.name for column in table.columns] == names


@given(
    st.lists(st.tuples(words, words), min_size=1, max_size=8),
    st.sampled_from([d for d in DELIMITERS if d != " "]),
    st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC]),
    line_ends,
)
def test_words_of_every_dialect_are_read_as_they_were_written(
    rows: list[tuple[str, str]], delimiter: str, quoting: Literal[0, 1, 2, 3], end: str
) -> None:
    # White space around a cell is no part of it.
    rows = [(a.strip() or "a", b.strip() or "b") for a, b in rows]
    text = write([list(row) for row in rows], delimiter=delimiter, quoting=quoting, end=end)
    table = parse_table(text, delimiter=delimiter, header=False)
    assert list(zip(*(column.cells for column in table.columns), strict=True)) == rows


@given(words, st.lists(words, max_size=3))
def test_any_words_become_names_of_neurons(word: str, others: list[str]) -> None:
    network = Network()
    for name in usable_names([word, *others, word], ["h1"]):
        assert len(name) <= LONGEST_NAME
        network.add_neuron("input", id=name)


@given(st.text(st.sampled_from("ab1.,;|\t \"'\n\r-_\ufeff"), max_size=60))
def test_any_text_gives_a_table_or_a_sentence(text: str) -> None:
    table = None
    with contextlib.suppress(DataError):
        table = parse_table(text)
    if table is not None:
        with contextlib.suppress(DataError):
            make_samples(table, guess_roles(table), leave_out=True)


# Guesses


@pytest.mark.parametrize(
    ("text", "delimiter", "header", "decimal"),
    [
        ("0,5;1,5\n0,25;2,5\n", ";", False, ","),
        ("a\tb\n0,5\t1\n", "\t", True, ","),
        ("1,2\n3,4\n", ",", False, "."),
        ("1, 2, 3\n4, 5, 6\n", ",", False, "."),
        ("x y z\n1   2 3\n 4 5 6\n", " ", True, "."),
        ("0,5 1,5\n2,5 3,5\n", " ", False, ","),
        ("a|b\n1|2\n", "|", True, "."),
        ("city,people\nNew York,8\nSan Francisco,1\n", ",", True, "."),
        ("color,shape\nred,round\nblue,flat\nred,flat\n", ",", True, "."),
        ("red,round\nblue,flat\nred,flat\n", ",", False, "."),
    ],
)
def test_guesses(text: str, delimiter: str, header: bool, decimal: str) -> None:
    table = parse_table(text)
    assert (table.delimiter, table.header, table.decimal) == (delimiter, header, decimal)


def test_guesses_can_be_overridden() -> None:
    assert columns(parse_table("2010,2011\n1,2\n", header=True)) == {"2010": [1.0], "2011": [2.0]}
    assert parse_table("0,5\n0,7\n", delimiter=";", decimal=",").columns[0].values.tolist() == [0.5, 0.7]


def test_thousands_are_not_guessed() -> None:
    assert math.isnan(parse_table('a;b\n"1,234.5";2\n').columns[0].values[0])
    assert math.isnan(parse_table("a;b\n1.234;0,5\n", decimal=",").columns[0].values[0])


@pytest.mark.parametrize("cell", ["1_000", "inf", "nan", "1e999", "٣", "1/2", "0x10", "5 %"])
def test_what_is_no_plain_number_is_none(cell: str) -> None:
    assert math.isnan(parse_table(f"a,b\n{cell},1\n2,3\n").columns[0].values[0])


def test_a_true_minus_sign_is_read() -> None:
    assert parse_table("a,b\n−1.5,1\n").columns[0].values[0] == -1.5


def test_blank_rows_and_columns_are_passed_over_and_rows_keep_their_numbers() -> None:
    table = parse_table("\na,b,\n\n1,2,\n , ,\n3,4,\n")
    assert columns(table) == {"a": [1.0, 3.0], "b": [2.0, 4.0]}
    assert table.row_numbers.tolist() == [4, 6]


def test_columns_without_a_name_get_their_number() -> None:
    assert list(columns(parse_table("a,,c\n1,2,3\n"))) == ["a", "column 2", "c"]
    # R writes no title above the names of the rows.
    assert list(columns(parse_table("x y\n1 5 6\n2 7 8\n"))) == ["row", "x", "y"]


# Files


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"])
def test_encodings(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "größe.csv"
    path.write_bytes("größe;naïve\n1;2\n3;4\n".encode(encoding))
    table = read_table(path)
    assert columns(table) == {"größe": [1.0, 3.0], "naïve": [2.0, 4.0]}
    assert table.name == "größe.csv"


def test_files_that_cannot_be_read_are_refused_with_a_sentence(tmp_path: Path) -> None:
    path = tmp_path / "big.csv"
    with pytest.raises(DataError, match=r"^big.csv cannot be read: No such file or directory.$"):
        read_text(path)
    path.write_bytes(b"1," * 5_500_000)
    with pytest.raises(DataError, match=r"^big.csv has 11.0 MB; up to 10 MB can be read: keep fewer rows or columns.$"):
        read_text(path)
    path.write_bytes(b"PK\x03\x04....")
    with pytest.raises(DataError, match=r"^big.csv is a spreadsheet or an archive: save the sheet as CSV"):
        read_text(path)
    path.write_bytes(bytes(range(256)))
    with pytest.raises(DataError, match=r"^big.csv is not a text file"):
        read_text(path)
    with pytest.raises(DataError, match=r"is not an ordinary file: choose a table"):
        read_text(tmp_path)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "t.csv holds no table"),
        ("a,b\n", "t.csv has names but no rows below them"),
        ('a,b\n1,2\n"3,4\n5,6\n', 't.csv: row 3: a quotation mark (") is not closed'),
        ("1,2\n" * (MOST_ROWS + 1), "t.csv has more than 50,000 rows, which is all that can be read: keep fewer rows."),
        ("1," * 2_000 + "1\n", "t.csv: row 1 has 2,001 cells; up to 2,000 can be read: keep fewer columns"),
        (
            ",".join(f"x{i}" for i in range(2_000)) + "\n1,2" * 2_001,
            "t.csv has 4,002,000 cells; up to 4,000,000 can be read",
        ),
    ],
)
def test_texts_without_a_table_are_refused_with_a_sentence(text: str, sentence: str) -> None:
    with pytest.raises(DataError) as error:
        parse_table(text, name="t.csv", delimiter=",")
    assert str(error.value).startswith(sentence)


def test_the_largest_table_is_read() -> None:
    rng = np.random.default_rng(0)
    numbers = rng.integers(-999, 999, (MOST_ROWS, 20)) / 100
    stream = io.StringIO()
    np.savetxt(stream, numbers, fmt="%.2f", delimiter=";")
    table = parse_table(stream.getvalue())
    assert np.array_equal(np.stack([column.values for column in table.columns], axis=1), numbers)
    assert make_samples(table, guess_roles(table)).rows == MOST_ROWS


def test_more_columns_of_classes_than_can_be_drawn_are_refused() -> None:
    words = ["abcdefghijklmnopqrstuvwxyz"[row] for row in range(26)]
    table = parse_table("\n".join(",".join([word] * 40) for word in words))
    roles = [ColumnRole(Use.INPUT, Coding.CLASSES)] * 39 + [ColumnRole(Use.TARGET, Coding.CLASSES)]
    with pytest.raises(DataError, match=r"^There are more than 1,000 inputs, too many to be drawn: ignore some"):
        make_samples(table, roles)
    rows = "\n".join(",".join([word] * 20) for word in words * 400)
    with pytest.raises(DataError, match=r"^There are more than 4,000,000 numbers, with one column per class"):
        make_samples(parse_table(rows), roles[20:])


# Bad cells


def test_the_first_bad_cell_is_named_by_row_and_column() -> None:
    lines = ["width,height,kind"] + ["1,2,a", "2,3,b"] * 10
    lines[16], lines[18] = "n/a,2,a", ",4,b"
    table = parse_table("\n".join(lines), name="iris.csv")
    roles = guess_roles(table)
    bad = find_bad_cells(table, roles)
    sentence = "iris.csv: row 17, column “width”: “n/a” is not a number: correct the cell, or leave its row out."
    assert (bad.count, bad.sentence) == (2, sentence)
    with pytest.raises(DataError, match=r"^iris.csv: row 17, column “width”"):
        make_samples(table, roles)
    samples = make_samples(table, roles, leave_out=True)
    assert (samples.rows, samples.left_out) == (18, 2)
    # A column that is ignored may hold anything.
    assert find_bad_cells(table, (IGNORED, *roles[1:])).count == 0


def test_empty_cells_missing_classes_and_long_rows_are_named_too() -> None:
    def sentence(text: str) -> str:
        table = parse_table(text, name="t.csv")
        return find_bad_cells(table, guess_roles(table)).sentence

    good = "1,2,b\n" * 3
    assert sentence(f"a,b,c\n1,,a\n{good}").startswith("t.csv: row 2, column “b”: the cell is empty: fill it in")
    assert sentence(f"a,b,c\n1,2,a\n{good}1,2\n").startswith("t.csv: row 6, column “c”: the cell is empty")
    assert sentence(f"a,b,c\n1,2,a\n{good}1,2,?\n").startswith("t.csv: row 6, column “c”: “?” is not a class")
    assert sentence(f"a,b,c\n1,2,a\n{good}1,2,b,4\n") == (
        "t.csv: row 6 has 4 cells instead of 3: correct it, or leave it out."
    )


# Roles and samples


def roles_of(text: str) -> list[str]:
    table = parse_table(text)
    return [role.title for role in guess_roles(table)]


def test_roles_are_guessed() -> None:
    assert roles_of(IRIS) == ["Input", "Input", "Target, one per class"]
    assert roles_of("id,a,b\n1,5,6\n2,7,8\n3,7,9\n") == ["Ignored", "Input", "Target"]
    assert roles_of("x,y\n1,5\n2,7\n3,7\n") == ["Input", "Target"]
    assert roles_of("species,a,b\nu,1,2\nv,2,3\nu,5,5\n") == ["Target, 0 or 1", "Input", "Input"]
    assert roles_of("a,class,b\n7,0,2\n2,1,3\n3,1,5\n") == ["Input", "Target", "Input"]
    digits = "\n".join(f"{i * 0.5},{i * i},{i % 4}" for i in range(40))
    assert roles_of(digits) == ["Input", "Input", "Target, one per class"]
    names = "\n".join(f"name{i},{i * i % 17},{i * 0.5}" for i in range(60))
    assert roles_of(names) == ["Ignored", "Input", "Target"]


def test_text_becomes_one_column_per_class_in_order_of_appearance() -> None:
    table = parse_table(IRIS)
    samples = make_samples(table, guess_roles(table))
    assert [c.name for c in samples.inputs] == ["length", "width"]
    assert [c.name for c in samples.targets] == ["setosa", "versicolor", "virginica"]
    assert [c.values.tolist() for c in samples.targets] == [[1, 0, 0, 1], [0, 1, 0, 0], [0, 0, 1, 0]]


def test_two_classes_become_one_column_of_0_and_1() -> None:
    table = parse_table("smokes,sex,y\nYes,male,1.5\nno,female,2\n")
    samples = make_samples(table, [ColumnRole(Use.INPUT, Coding.BINARY)] * 2 + [TARGET])
    assert {c.name: c.values.tolist() for c in samples.inputs} == {"smokes": [1, 0], "female": [0, 1]}
    assert samples.notes == ("smokes: Yes is 1, no is 0", "sex: female is 1, male is 0")


def test_an_input_can_be_one_per_class_and_numbers_can_be_classes() -> None:
    table = parse_table("color,digit\nred,10\nblue,9\ngreen,10\n")
    samples = make_samples(table, [ColumnRole(Use.INPUT, Coding.CLASSES), TARGET_CLASSES])
    assert [c.name for c in samples.inputs] == ["color red", "color blue", "color green"]
    assert {c.name: c.values.tolist() for c in samples.targets} == {"9": [0, 1, 0], "10": [1, 0, 1]}


def test_role_choices_hold_what_a_column_can_be() -> None:
    table = parse_table("n,w,k\n0.5,a,1\n1.5,b,2\n2.5,c,1\n")
    titles = [[role.title for role in role_choices(column)] for column in table.columns]
    assert titles[1] == ["Input, one per class", "Target, one per class", "Ignored"]
    assert titles[2][:3] == ["Input", "Input, 0 or 1", "Input, one per class"]


def test_names_are_made_usable_and_different() -> None:
    assert usable_names(["length (cm)", "length  cm", "-1", "", "w1"], ["w1"]) == [
        "length cm",
        "length cm 2",
        "minus 1",
        "unnamed",
        "w1 2",
    ]
    table = parse_table("a,a,label\n1,2,a\n3,4,b\n5,6,c\n")
    samples = make_samples(table, guess_roles(table))
    names = [c.name for c in [*samples.inputs, *samples.targets]]
    assert names == ["a", "a 2", "a 3", "b", "c"]


@pytest.mark.parametrize(
    ("roles", "sentence"),
    [
        ((IGNORED, IGNORED, TARGET_CLASSES), "No column is an input: choose “Input” above one of the columns."),
        ((INPUT, INPUT, IGNORED), "No column is a target: choose “Target” above one of the columns."),
    ],
)
def test_roles_that_make_no_samples_are_refused(roles: tuple[ColumnRole, ...], sentence: str) -> None:
    with pytest.raises(DataError) as error:
        make_samples(parse_table(IRIS), roles)
    assert str(error.value) == sentence


def test_leaving_out_every_row_or_all_but_one_class_is_refused() -> None:
    table = parse_table("a,b\n,1\n1,\n", decimal=".", name="t.csv")
    with pytest.raises(DataError, match="No row is left"):
        make_samples(table, [INPUT, TARGET], leave_out=True)
    table = parse_table("a,b\n1,u\n2,u\n,v\n", name="t.csv")
    with pytest.raises(DataError, match="column “b” holds a single class"):
        make_samples(table, [INPUT, TARGET_CLASSES], leave_out=True)


def test_a_pasted_range_is_told_from_other_texts() -> None:
    assert is_table("1\t2\n3\t4\n")
    assert is_table(IRIS)
    for text in ("", "hello", "0.5", "a sentence, with a comma\nand another", '{"neurons": [1, 2],\n "edges": []}'):
        assert not is_table(text)
