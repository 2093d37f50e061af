"""Another Python process for what is too heavy for this one, such as a framework that checks a model."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Generator, Mapping, Sequence
from pathlib import Path

from core.errors import ExportError
from core.jobs import Progress

# The child is looked after this often, in seconds.
BREATH = 0.05


def run_python(
    code: str, arguments: Sequence[str], *, folder: Path, what: str, environment: Mapping[str, str] | None = None
) -> Generator[Progress, None, None]:
    """Run `code` in this interpreter's twin, in `folder`, with `arguments` as sys.argv[1:]; yield while it runs.

    `what` is what it does, such as "PyTorch loads model.py". Closing the generator ends the child. It writes no
    bytecode into the folder. Raises ExportError with the last line of its complaint where it fails.
    """
    with tempfile.TemporaryFile() as complaint:
        try:
            child = subprocess.Popen(
                [sys.executable, "-B", "-c", code, *arguments],
                cwd=folder,
                env={**os.environ, **(environment or {})},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=complaint,
                creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
            )
        except OSError as problem:
            raise ExportError(f"{what}: no other Python process could be started ({problem.strerror}).") from None
        try:
            while True:
                yield Progress(0, 0, what)
                try:
                    child.wait(BREATH)
                except subprocess.TimeoutExpired:
                    continue
                break
        finally:
            if child.poll() is None:
                child.kill()
                child.wait()
        if child.returncode:
            complaint.seek(0)
            lines = complaint.read().decode("utf-8", "replace").strip().splitlines() or [f"exit {child.returncode}"]
            raise ExportError(
                f"Nothing was written: {what}, but fails ({lines[-1].strip()}); mend or remove that installation."
            )
