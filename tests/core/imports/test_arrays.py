"""Files of weights that anybody may have written: what is read, what is refused, and that nothing else happens."""

from __future__ import annotations

import contextlib
import io
import json
import pickle
import re
import struct
import subprocess
import sys
import tracemalloc
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import ImportFileError
from core.imports.arrays import ENDINGS, read_arrays
from core.imports.foreign import describe
from core.imports.matching import match_file
from core.imports.new_network import make_project
from core.imports.records import natural_order
from core.network import Network

safetensors = pytest.importorskip("safetensors.numpy", reason="safetensors is not installed")

ROOT = Path(__file__).resolve().parents[3]
Write = Callable[[str, bytes], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def make(name: str, data: bytes) -> Path:
        path = tmp_path / name
        path.write_bytes(data)
        return path

    return make


def packed(**arrays: Any) -> bytes:
    stream = io.BytesIO()
    np.savez(stream, **arrays)
    return stream.getvalue()


def zipped(name: str, *contents: bytes, compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    """One entry; a second content gets the name with .npy, which stands for the same array."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", compression) as archive:
        for number, content in enumerate(contents):
            archive.writestr(f"{name}{'.npy' if number else ''}", content)
    return stream.getvalue()


def header(descr: str, shape: str) -> bytes:
    text = f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}".encode()
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text


# What is read


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8", ">f8", "i4", "u1", ">i2", "?"])
def test_numbers_of_all_kinds_become_float64(write: Write, dtype: str) -> None:
    values = np.array([[0, 1, 2], [3, 4, 100]]).astype(dtype)
    file = read_arrays(write("a.npz", packed(a=values, b=np.asfortranarray(values), c=values[0, 1])))
    assert [array.dtype for array in file.arrays.values()] == [np.float64] * 3
    np.testing.assert_array_equal(file.arrays["a"], values)
    np.testing.assert_array_equal(file.arrays["b"], values)
    assert file.arrays["c"].shape == ()


def test_compressed_arrays_and_texts_are_read(write: Write) -> None:
    stream = io.BytesIO()
    np.savez_compressed(stream, w=np.eye(2), activation="relu", classes_=np.array(["cat", "dog"]))
    file = read_arrays(write("a.npz", stream.getvalue()))
    np.testing.assert_array_equal(file.arrays["w"], np.eye(2))
    assert file.texts == {"activation": "relu", "classes_": ""}


def test_safetensors_are_read_in_the_order_of_their_numbers(write: Write) -> None:
    arrays = {f"{k}.weight": np.full((1, 1), k, np.float32) for k in (0, 2, 10)}
    file = read_arrays(write("a.safetensors", safetensors.save(arrays)))
    assert list(file.arrays) == ["0.weight", "2.weight", "10.weight"]


def test_bfloat16_is_read(write: Write) -> None:
    text = json.dumps({"w": {"dtype": "BF16", "shape": [2], "data_offsets": [0, 4]}}).encode()
    file = read_arrays(write("a.safetensors", struct.pack("<Q", len(text)) + text + b"\xc0\x3f\x00\xc0"))
    np.testing.assert_array_equal(file.arrays["w"], [1.5, -2.0])


def test_json_is_read_in_each_of_its_forms(write: Write) -> None:
    content = {"parameters": {"w1": 1, "w.2": 0.5}, "layer": {"weight": [[1, 2], [3, 4]], "bias": [0, 1]}, "note": "x"}
    file = read_arrays(write("a.json", json.dumps(content).encode()))
    assert file.parameters == {"w1": 1.0, "w.2": 0.5}
    assert {name: array.shape for name, array in file.arrays.items()} == {"layer.weight": (2, 2), "layer.bias": (2,)}
    assert file.texts == {"note": "x"}
    marked = read_arrays(write("a.json", "\ufeff".encode() + json.dumps(content).encode()))
    assert marked.parameters == file.parameters


@pytest.mark.parametrize(
    "text",
    [
        "name,source,target,value\nw1,i1,h1,0.5\nh1,,h1,-1\n",
        "name;source;target;value\r\nw1;i1;h1;0,5\r\n\r\nh1;;h1;-1\r\n",
        "\ufeffvalue\ttarget\tsource\tname\n1/2\th1\ti1\tw1\n-1\th1\t\th1",
    ],
)
def test_tables_are_read_as_spreadsheets_write_them(write: Write, text: str) -> None:
    file = read_arrays(write("a.csv", text.encode()))
    assert file.parameters == {"w1": 0.5, "h1": -1.0}
    assert file.ends == {"w1": ("i1", "h1"), "h1": ("", "h1")}


def test_the_order_of_names_counts_numbers() -> None:
    names = ["b10", "b9", "a2.x1", "a2.x", "b09", "a"]
    assert sorted(names, key=natural_order) == ["a", "a2.x", "a2.x1", "b9", "b09", "b10"]


# What is refused, with the words for it


def empty_arrays(names: list[str], shape: Sequence[int] = (0,)) -> bytes:
    text = json.dumps({name: {"dtype": "F32", "shape": shape, "data_offsets": [0, 0]} for name in names}).encode()
    return struct.pack("<Q", len(text)) + text


NAN = float("nan")
REFUSED: dict[str, tuple[str, bytes, str]] = {
    "ending": ("a.pt", b"", "end in .npz"),
    "objects": ("a.npz", packed(w=np.array([1, None], dtype=object)), "Python objects"),
    "pickle": ("a.npz", pickle.dumps([1]), "not a whole .npz"),
    "pickled entry": ("a.npz", zipped("w.npy", pickle.dumps([1])), "is not an array"),
    "complex": ("a.npz", packed(w=np.array([1j])), "unknown kind (c16)"),
    "records": ("a.npz", packed(w=np.zeros(1, [("a", "f8")])), "no plain numbers"),
    "nan": ("a.npz", packed(w=np.array([[0.0, 1.0], [2.0, NAN]])), "w[1, 1] is not a number"),
    "infinite": ("a.npz", packed(w=np.array(np.inf)), "w is infinite"),
    "too many": ("a.npz", zipped("w.npy", header("'<f8'", "(100000, 100000)")), "more numbers than can be read"),
    # Digits that a careless pattern would split up in all ways that there are.
    "digits": ("a.npz", zipped("w.npy", header("'<f8'", f"({'1' * 9000} x")), "no plain numbers"),
    "long size": ("a.npz", zipped("w.npy", header("'<f8'", f"({'1' * 9000},)")), "more numbers than can be read"),
    "zip bomb": ("a.npz", zipped("w.npy", header("'|u1'", "(400000000,)") + bytes(400_000)), "more numbers than"),
    "sizes": ("a.npz", zipped("w.npy", header("'<f8'", "(0, 999999999999, 999999999999)")), "more numbers than can be"),
    "too many together": (
        "a.npz",
        packed(a=np.zeros(3_000_000, "?"), b=np.zeros(2_000_001, "?")),
        "with b it has more",
    ),
    "long text": ("a.npz", zipped("t.npy", header("'<U19000000'", "()")), "t is a text of more letters"),
    "twice": ("a.npz", zipped("w", *[header("'<f8'", "()") + bytes(8)] * 2), "“w” is there twice"),
    "shorter": ("a.npz", zipped("w.npy", header("'<f8'", "(3,)") + bytes(8)), "not as long as it says"),
    "longer": ("a.npz", zipped("w.npy", header("'<f8'", "(1,)") + bytes(99)), "not as long as it says"),
    "cut off": ("a.npz", packed(w=np.eye(9))[:-40], "not a whole .npz"),
    "packed": ("a.npz", zipped("w.npy", header("'<f8'", "(1,)"), compression=zipfile.ZIP_LZMA), "unusual way"),
    "notes": ("a.npz", packed(nnviz="{"), "not readable JSON"),
    "half notes": ("a.npz", packed(nnviz='{"format": "nnviz-weights"}'), "not whole"),
    "newer": ("a.npz", packed(nnviz='{"format": "nnviz-weights", "version": 2}'), "newer nnviz"),
    "safetensors": ("a.safetensors", b"\xff" * 20, "not a whole safetensors"),
    "safetensors cut": ("a.safetensors", safetensors.save({"w": np.eye(3)})[:-8], "not a whole safetensors"),
    "safetensors nan": ("a.safetensors", safetensors.save({"a.b": np.array([NAN])}), "a.b[0] is not a number"),
    "safetensors many": ("a.safetensors", empty_arrays([f"{k}" for k in range(10_001)]), "10,001 arrays"),
    "safetensors objects": ("a.safetensors", empty_arrays([f"{k}" for k in range(30_000)]), "more than 30,000 objects"),
    "safetensors sizes": ("a.safetensors", empty_arrays(["w"], [0, 2**62]), "with w it has more numbers than can"),
    "safetensors dimensions": ("a.safetensors", empty_arrays(["w"], [0] * 33), "with up to 32 dimensions"),
    "safetensors twice": (
        "a.safetensors",
        empty_arrays(["w", "v"]).replace(b'"v"', b'"w"'),
        "“w” twice in one place",
    ),
    "safetensors header": ("a.safetensors", empty_arrays(["k" * 21 * 2**20]), "header is larger than 20 MB"),
    "safetensors name": ("a.safetensors", empty_arrays(["k" * 301]), "more than 300 letters"),
    "json": ("a.json", b"{", "not readable JSON"),
    "json nan": ("a.json", b'{"w1": NaN}', "not readable JSON"),
    "json large": ("a.json", b'{"w1": 1e999}', "out of range"),
    "json whole": ("a.json", b'{"w1": 1' + b"0" * 400 + b"}", "w1 has a number that is too large"),
    "json wholes": ("a.json", b'{"w": [[1' + b"0" * 400 + b"]]}", "w has a number that is too large"),
    "json list": ("a.json", b"[1, 2]", "list or a single value"),
    "json ragged": ("a.json", b'{"w": [[1, 2], [3]]}', "not equally long"),
    "json texts": ("a.json", b'{"w": [1, "2"]}', "not a number"),
    "json text": ("a.json", b'{"parameters": {"w2": 1, "w1": "0.5"}}', "w1 is text: give a number without quotation"),
    "json null": ("a.json", b'{"parameters": {"w1": null}}', "w1 is null"),
    "json true": ("a.json", b'{"parameters": {"w1": true}}', "w1 is true or false"),
    "json truth": ("a.json", b'{"w": [1, true]}', "not a number"),
    "json deep": ("a.json", b'{"w": ' + b"[" * 100_000, "not readable JSON"),
    "json commas": ("a.json", b'{"w": [' + b"1," * 5_000_001 + b"1]}", "more than 200 MB of memory"),
    "json brackets": ("a.json", b'{"w": [' + b"[]," * 1_200_000 + b"[]]}", "more than 200 MB of memory"),
    "json twice": ("a.json", b'{"w1": 1, "w1": 2}', "“w1” twice in one place"),
    "json twice escaped": ("a.json", b'{"a": {"b": {}, "w1": [], "\\u00771": 2}}', "“w1” twice in one place"),
    "json twice below": ("a.json", b'{"w1": 1, "parameters": {"w1": 2}}', "“w1” is there twice"),
    "json array twice": ("a.json", b'{"a.w": [1], "a": {"w": [2]}}', "“a.w” is there twice"),
    "json cut off": ("a.json", b'{"w1": "' + b'\\"' * 1_000_000, "not readable JSON"),
    "json many letters": (
        "a.json",
        json.dumps({"k" * 290: dict.fromkeys(range(40_000), 0)}).encode(),
        "more than 10,000,000 letters",
    ),
    "json objects": ("a.json", b'{"w": [' + b"{}," * 30_000 + b"{}]}", "more than 30,000 objects"),
    "json names": ("a.json", json.dumps(dict.fromkeys(range(250_001), 0)).encode(), "more than 250,000 named numbers"),
    # Each of the numbers would have a copy of the long name.
    "json long name": ("a.json", json.dumps({"k" * 299: {"a": 0, "ab": 0}}).encode(), "more than 300 letters"),
    "csv long row": ("a.csv", b"name,value\nw1,1" + b"," * 10_000, "row 2 has more than 10,000 letters"),
    "csv row of lines": ("a.csv", b"name,value\n" + b'"\n","\n",' * 2000, "has more than 10,000 letters"),
    "csv rows": ("a.csv", b"name,value\n" + b"\n" * 250_000 + b"w1,1\n", "more than 250,000 rows"),
    "csv header": ("a.csv", b"a,b\n1,2\n", "first row has to name"),
    "csv without rows": ("a.csv", b"\n", "first row has to name"),
    "csv empty": ("a.csv", b"", "the file is empty"),
    "onnx empty": ("a.onnx", b"", "the file is empty"),
    "csv number": ("a.csv", b"name,value\nw1,1\nw2,x\n", "row 3: w2: “x” is not a number"),
    "csv nan": ("a.csv", b"name,value\nw1,nan\n", "row 2: w1"),
    "csv inf": ("a.csv", b"name,value\nw1,1e999\n", "too large"),
    "csv long": ("a.csv", b'name,value\nw1,"' + b"7" * 5000 + b'"\n', "w1: “777777"),
    "csv twice": ("a.csv", b"name,value\nw1,1\nw1,2\n", "row 3: “w1” is there twice"),
    "csv short": ("a.csv", b"name,source,target,value\nw1,i1\n", "row 2 has fewer cells"),
    "csv decimal comma": ("a.csv", b"name,source,target,value\nw1,i1,o1,0,5\n", "row 2 has more cells than the first"),
    "csv column twice": ("a.csv", b"name,value,Value\nw1,1,2\n", "names the column “value” twice"),
    "csv control": ("a.csv", b"name,value\nw1,\x1b[2Jx\n", "w1: “\ufffd[2Jx” is not a number"),
    "csv bytes": ("a.csv", b"name,value\n\xff\xfe", "UTF-8"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_refusal_is_one_sentence_that_names_the_place(write: Write, case: str) -> None:
    name, data, words = REFUSED[case]
    with pytest.raises(ImportFileError) as caught:
        read_arrays(write(name, data))
    said = str(caught.value)
    assert words in said
    assert said.startswith("a.")
    assert said.endswith(".")
    assert "\n" not in said
    assert len(said) < 250


def test_places_that_are_no_files_are_refused(tmp_path: Path) -> None:
    folder = tmp_path / "a.npz"
    folder.mkdir()
    for path, words in ((folder, "a folder"), (tmp_path / "b.npz", "cannot be read"), (Path("a\0.npz"), "null")):
        with pytest.raises(ImportFileError, match=words):
            read_arrays(path)


def test_a_large_file_is_refused_before_it_is_read_whole(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    with path.open("wb") as file:
        file.truncate(10**10)
    with pytest.raises(ImportFileError, match="larger than 64 MB"):
        read_arrays(path)


def test_a_file_that_changes_while_it_is_read_is_refused(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write("a.csv", b"name,value\nw1,0.1")
    for now in (b"name,value\nw1,0.12345", b"name,value\nw1,0."):
        monkeypatch.setattr(Path, "open", lambda self, mode, now=now: io.BytesIO(now))
        with pytest.raises(ImportFileError, match="changed while it was read"):
            read_arrays(path)


def test_a_table_of_few_edges_between_many_neurons_takes_little_memory(write: Write) -> None:
    """As a matrix, its edges would be one number in thousands."""
    for count, words in ((4000, "8,000 neurons and 4,000 edges; up to 5,000"), (2400, "read too many others")):
        rows = "".join(f"w{k},a{k},b{k},1\n" for k in range(count))
        file = read_arrays(write("a.csv", f"name,source,target,value\n{rows}".encode()))
        tracemalloc.start()
        try:
            with pytest.raises(ImportFileError, match=words):
                make_project(file)
            assert tracemalloc.get_traced_memory()[1] < 20_000_000
        finally:
            tracemalloc.stop()


def test_a_bomb_takes_little_memory(write: Write) -> None:
    """60 MB of zeros in 60 kB, which say that they are 100 numbers."""
    path = write("a.npz", zipped("w.npy", header("'<f8'", "(100,)") + bytes(60_000_000)))
    assert path.stat().st_size < 100_000
    tracemalloc.start()
    try:
        with pytest.raises(ImportFileError, match="not as long as it says"):
            read_arrays(path)
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()


def onnx_field(number: int, content: bytes) -> bytes:
    """A field of a protobuf message that has its length before it."""
    length, digits = len(content), b""
    while length > 127:
        digits += bytes([length & 127 | 128])
        length >>= 7
    return bytes([number << 3 | 2]) + digits + bytes([length]) + content


# Files that would take most memory for their size.
BOMBS: dict[str, tuple[str, Callable[[], bytes]]] = {
    "lists": ("a.json", lambda: b'{"a":[' + b",".join([b"[" * 500 + b"]" * 500] * 16_000) + b"]}"),
    "lists in notes": (
        "a.json",
        lambda: b'{"format":"nnviz-weights","inputs":[],"outputs":[],"layers":[{"edges":[' + b"[]," * 10**6 + b"[]]}]}",
    ),
    "wide letters": ("a.json", lambda: b'{"a":"' + b"x" * (60 * 2**20) + "😀".encode() + b'"}'),
    "names": (
        "a.json",
        lambda: json.dumps({"😀" * 280: dict.fromkeys(range(249_000), 0)}, ensure_ascii=False).encode(),
    ),
    "cells": ("a.csv", lambda: b"name,value\n" + b"," * (31 * 2**20)),
    "truth values": ("a.npz", lambda: packed(**{f"a{k}": np.zeros((2236, 2236), bool) for k in range(13)})),
    "place": ("a.npz", lambda: packed(a=np.full((1,) * 30 + (4_000_000,), NAN, "f2"))),
    "bytes": ("a.safetensors", lambda: safetensors.save({f"a{k}": np.zeros(4_000_000, "u1") for k in range(15)})),
    "long names": ("a.safetensors", lambda: empty_arrays([f"{k:0300}".replace("0", "k") for k in range(9999)])),
    "initializers": ("a.onnx", lambda: onnx_field(7, b"\x2a\x00" * 4_000_000)),
    "initializers of the largest number": ("a.onnx", lambda: onnx_field(7, b"\x2a\x00" * 390_000)),
    "operator sets": ("a.onnx", lambda: b"\x42\x00" * 20_000_000),
    "dimensions": ("a.onnx", lambda: onnx_field(7, onnx_field(5, onnx_field(1, b"\1" * 39 * 2**20)))),
}
# Prints by how many MB the memory grows at most, and what is said.
CHILD = """
import resource, sys
from pathlib import Path
from core.imports.arrays import read_arrays
peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)
before, said = peak(), "read"
try:
    read_arrays(Path(sys.argv[1]))
except Exception as error:
    said = type(error).__name__
print(peak() - before, said)
"""


@pytest.mark.parametrize("case", BOMBS)
def test_whatever_is_in_a_file_little_memory_is_taken(write: Write, case: str) -> None:
    pytest.importorskip("resource", reason="the memory of a process is not told here")
    name, make = BOMBS[case]
    if name.endswith(".onnx"):
        pytest.importorskip("onnx", reason="ONNX files need the library onnx")
    command = [sys.executable, "-c", CHILD, str(write(name, make()))]
    child = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=600)
    memory, said = child.stdout.split()
    assert said in ("read", "ImportFileError")
    assert float(memory) < 300


@pytest.mark.parametrize("ending", [".npz", ".safetensors", ".json"])
def test_a_million_weights_are_read(write: Write, ending: str) -> None:
    weight = np.random.default_rng(0).normal(size=(1000, 1000))
    data = {
        ".npz": lambda: packed(weight=weight),
        ".safetensors": lambda: safetensors.save({"weight": weight}),
        ".json": lambda: json.dumps({"weight": weight.tolist()}).encode(),
    }[ending]()
    np.testing.assert_array_equal(read_arrays(write(f"a{ending}", data)).arrays["weight"], weight)


def test_a_million_places_of_a_masked_layer_are_read(write: Write) -> None:
    """Most of them without an edge, as core.export writes them."""
    edges = [[f"w{1000 * i + j}" if j % 5 == 0 else "" for j in range(1000)] for i in range(1000)]
    layer = {"activation": "relu", "neurons": [], "sources": [], "edges": edges}
    parameters = {edge: 1 / 3 for row in edges for edge in row if edge}
    notes = {"format": "nnviz-weights", "inputs": [], "outputs": [], "layers": [layer]}
    stream = io.BytesIO()
    np.savez_compressed(stream, nnviz=json.dumps(notes))
    saved = safetensors.save({"w": np.eye(1)}, {"nnviz": json.dumps(notes)})
    layer["weight"] = [[1 / 3] * 1000] * 1000
    text = json.dumps({**notes, "parameters": parameters}).encode()
    for name, data in (("a.npz", stream.getvalue()), ("a.safetensors", saved), ("a.json", text)):
        file = read_arrays(write(name, data))
        assert file.notes is not None
        assert file.notes.layers[0].edges == edges


def test_colons_and_quotes_in_texts_name_nothing_twice(write: Write) -> None:
    content = {"a": ['"w1":', '{"w1": "', "}"], "w1": 1, "b": {"w1": [2]}, "parameters": {"title": 3}, "title": "\\"}
    file = read_arrays(write("a.json", json.dumps({**content, "a": "".join(content["a"])}).encode()))
    assert file.parameters == {"w1": 1.0, "title": 3.0}
    assert file.texts == {"a": "".join(content["a"]), "title": "\\"}
    assert list(file.arrays) == ["b.w1"]


def test_all_digits_of_a_number_in_a_table_are_read(write: Write) -> None:
    digits = "0.1000000000000000055511151231257827021181583404541015625000000000"
    assert read_arrays(write("a.csv", f"name,value\nw1,{digits}\n".encode())).parameters == {"w1": 0.1}


def test_long_rows_are_counted_each_for_itself(write: Write) -> None:
    rows = "".join(f"w{k},{k}{',' * 9000}\n" for k in range(3))
    assert read_arrays(write("a.csv", f"name,value\n{rows}".encode())).parameters == {"w0": 0.0, "w1": 1.0, "w2": 2.0}


def test_many_entries_are_refused_by_the_length_of_their_list(write: Write) -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for number in range(22_000):
            archive.writestr(f"{number}.npy", b"")
    with pytest.raises(ImportFileError, match="list of arrays is too long"):
        read_arrays(write("a.npz", stream.getvalue()))


def test_nothing_in_a_file_is_executed(write: Write, tmp_path: Path) -> None:
    class Evil:
        def __reduce__(self) -> tuple[Any, ...]:
            return Path.touch, (tmp_path / "executed",)

    evil = np.array([Evil()], dtype=object)
    with pytest.raises(ImportFileError):
        read_arrays(write("a.npz", packed(w=evil)))
    assert not (tmp_path / "executed").exists()


def _network() -> Network:
    network = Network()
    for role in ("input", "hidden", "output"):
        network.add_neuron(role)
    network.connect("i1", "h1")
    network.connect("h1", "o1")
    return network


SEEDS: dict[str, list[bytes]] = {
    ".npz": [packed(w1=np.eye(2), b1=np.zeros(2)), zipped("w.npy", header("'<f8'", "(3,)"))],
    ".safetensors": [safetensors.save({"0.weight": np.eye(1), "0.bias": np.ones(1)}, {"nnviz": "{}"})],
    ".json": [b'{"parameters": {"w1": 0.5}}', b'{"format": "nnviz-weights", "version": 1, "layers": []}'],
    ".csv": [b"name,source,target,value\nw1,i1,h1,0.5\nh1,,h1,1\n"],
    ".onnx": [],
}


def _onnx_model(onnx: Any) -> bytes:
    helper = onnx.helper
    ends = [helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, ["n", 2]) for name in "xy"]
    nodes = [helper.make_node("Gemm", ["x", "w"], ["z"], transB=1), helper.make_node("Relu", ["z"], ["y"])]
    weight = onnx.numpy_helper.from_array(np.eye(2, dtype=np.float32), "w")
    model = helper.make_model(helper.make_graph(nodes, "g", ends[:1], ends[1:], [weight]))
    found: bytes = model.SerializeToString()
    return found


def test_names_that_are_no_text_are_refused(write: Write) -> None:
    onnx = pytest.importorskip("onnx", reason="ONNX files need the library onnx")
    with pytest.raises(ImportFileError, match="not a whole ONNX file"):
        read_arrays(write("a.onnx", _onnx_model(onnx).replace(b"Relu", b"Re\xff\xfe")))


@pytest.mark.parametrize("ending", ENDINGS)
def test_damaged_files_raise_nothing_else(write: Write, ending: str) -> None:
    if ending == ".onnx":
        onnx = pytest.importorskip("onnx", reason="ONNX files need the library onnx")
    seeds = SEEDS[ending] or [_onnx_model(onnx)]

    @given(st.data())
    def check(data: st.DataObject) -> None:
        content = bytearray(data.draw(st.sampled_from(seeds) | st.binary(max_size=200)))
        for _ in range(data.draw(st.integers(0, 4))):
            place = data.draw(st.integers(0, max(0, len(content) - 1)))
            content[place : place + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=6))
        path = write(f"a{ending}", bytes(content))
        for use in (describe, make_project, lambda file: match_file(file, _network())):
            with contextlib.suppress(ImportFileError):
                use(read_arrays(path))

    check()


@pytest.mark.parametrize(("name", "remedy"), [("model.pt", "safetensors.torch.save_file"), ("model.doc", ".onnx")])
def test_another_ending_is_refused_with_a_way_out(name: str, remedy: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(b"x")
    with pytest.raises(ImportFileError, match=re.escape(remedy)):
        read_arrays(tmp_path / name)


def test_of_a_folder_a_file_is_to_be_chosen(tmp_path: Path) -> None:
    with pytest.raises(ImportFileError, match="in this folder"):
        read_arrays(tmp_path)
    with pytest.raises(ImportFileError, match=r"^\.: weights are read from"):
        read_arrays(Path())
