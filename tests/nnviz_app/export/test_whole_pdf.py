"""PDFs that stop before their end are noticed."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path

import pytest

from core.errors import ExportError
from core.jobs import finish
from core.project_file import load_project
from nnviz_app.examples import first_example
from nnviz_app.export import picture_files
from nnviz_app.export.picture import CanvasPicture
from nnviz_app.export.whole_pdf import check_whole


@pytest.mark.parametrize("held", [b"", b"%PDF-1.4", b"%PDF-1.4\n%%EOF\n" + 100 * b"0"])
def test_a_pdf_without_its_end_is_refused(held: bytes, tmp_path: Path) -> None:
    file = tmp_path / "a.pdf"
    file.write_bytes(held)
    with pytest.raises(ExportError, match="is there room left on the disk"):
        check_whole(file)
    file.write_bytes(held + b"\n%%EOF\n")
    check_whole(file)


def test_a_drawing_on_a_full_disk_is_not_called_written(
    qapp: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = picture_files.write_pdf_page

    def write_half(picture: CanvasPicture, path: Path, index: int | None) -> Generator[None, None, tuple[float, float]]:
        size = yield from write(picture, path, index)
        path.write_bytes(path.read_bytes()[:1000])
        return size

    monkeypatch.setattr(picture_files, "write_pdf_page", write_half)
    project = load_project(first_example().path)
    with pytest.raises(ExportError, match="is there room left"):
        finish(picture_files.write_picture(lambda: CanvasPicture(project), tmp_path / "a.pdf"))
    assert list(tmp_path.iterdir()) == []
