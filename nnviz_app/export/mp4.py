"""MP4 files, made by ffmpeg from frames that it is given one after the other."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType

from PySide6.QtGui import QImage

from core.errors import ExportError

# Frames a second in the file, as players are used to: the fewest in which a step takes a whole number of frames.
RATES = (10, 20, 25, 50)
# A program that is waited for is asked this often whether it is ready, in seconds.
WAIT = 0.05
# What is not ffmpeg's fault: a disk that is full, a file or a share of the disk that is too large, a broken disk.
DISK_PROBLEMS = (errno.ENOSPC, errno.EFBIG, errno.EDQUOT, errno.EIO)


def ffmpeg() -> str:
    """The path of ffmpeg. Raises ExportError where it is not installed."""
    program = shutil.which("ffmpeg")
    if program is None:
        raise ExportError("MP4 needs the program ffmpeg, which is not found: install it (ffmpeg.org), or choose GIF.")
    return program


class Mp4Writer:
    """Gives frames of one size to ffmpeg, which is ended, whatever happens, when the block is left."""

    def __init__(self, program: str, path: Path, size: tuple[int, int], *, seconds: float, last_seconds: float) -> None:
        width, height = size
        # A frame each so many milliseconds, repeated up to the file's rate; then the last one stands still.
        hold = max(0.0, last_seconds - seconds)
        rate = next((rate for rate in RATES if abs(rate * seconds - round(rate * seconds)) < 1e-6), RATES[-1])
        # fmt: off
        command = [
            program, "-v", "error", "-y",
            "-f", "rawvideo", "-pix_fmt", "rgb0", "-s", f"{width}x{height}",
            "-framerate", f"1000/{round(1000 * seconds)}", "-i", "-",
            "-vf", f"fps={rate},tpad=stop_mode=clone:stop_duration={hold:.3f}",
            "-an", "-c:v", "libx264", "-pix_fmt", "yuv420p", "-preset", "veryfast", "-crf", "18", "-tune", "animation",
            "-movflags", "+faststart", "-f", "mp4", str(path),
        ]
        # fmt: on
        # In a file: a pipe that nobody reads could fill up.
        self._said = tempfile.TemporaryFile()  # noqa: SIM115 - closed in __exit__
        hidden = getattr(subprocess, "CREATE_NO_WINDOW", 0)
        try:
            self._process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=self._said, creationflags=hidden
            )
        except OSError as error:
            self._said.close()
            raise ExportError(f"{program} cannot be started ({error.strerror}): choose GIF.") from None

    def __enter__(self) -> Mp4Writer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
        self._close_input()
        self._said.close()

    def add(self, image: QImage) -> None:
        """Add a frame of four bytes a pixel. Raises ExportError where ffmpeg has given up, OSError for a full disk."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(image.constBits())
        except OSError:
            self._process.wait()
            raise self._problem() from None

    def finish(self) -> Iterator[None]:
        """Wait until the file is complete, coming up now and then. Raises as `add` does."""
        self._close_input()
        while self._process.poll() is None:
            try:
                self._process.wait(WAIT)
            except subprocess.TimeoutExpired:
                yield
        if self._process.returncode:
            raise self._problem()

    def _close_input(self) -> None:
        assert self._process.stdin is not None
        # Where it has ended already its exit code says how.
        with contextlib.suppress(OSError):
            self._process.stdin.close()

    def _problem(self) -> Exception:
        self._said.seek(0)
        text = self._said.read().decode(errors="replace")
        for code in DISK_PROBLEMS:
            # It says so in the system's words, after some of its own.
            if os.strerror(code) in text:
                return OSError(code, os.strerror(code))
        said = text.strip().splitlines()
        reason = said[0] if said else f"it ended with code {self._process.returncode}"
        return ExportError(f"ffmpeg cannot make the video ({reason}): choose GIF, or install a complete ffmpeg.")
