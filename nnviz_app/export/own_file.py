"""The project's own file, which no export may replace."""

from __future__ import annotations

import os
import re
from pathlib import Path

from core.errors import ExportError

# What worksheets call their projects.
_VARIANT = re.compile(r"project(-\d+)?\.nnviz", re.IGNORECASE)


def keep_own_file(file: Path | None, folder: Path) -> None:
    """Raises ExportError where worksheets in this folder could replace the file that the project is from."""
    if file is None or not _VARIANT.fullmatch(file.name) or not (file.parent.is_dir() and folder.is_dir()):
        return
    if os.path.samefile(file.parent, folder):
        raise ExportError(
            f"{file.name} is the project itself, and the worksheets' own projects are called so too: "
            f"choose another folder than {folder}."
        )
