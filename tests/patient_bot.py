"""pytest-qt's hands, with patience: what a test waits for comes late where other programs have the processor."""

from __future__ import annotations

from functools import partialmethod

from pytestqt.qtbot import QtBot

# Milliseconds. Waiting ends when what is waited for is there, so only a test that fails takes as long.
PATIENCE = 120_000


class PatientBot(QtBot):
    """Waits much longer than pytest-qt's 5 seconds unless told otherwise."""

    waitActive = partialmethod(QtBot.waitActive, timeout=PATIENCE)  # noqa: N815 - these are pytest-qt's names
    waitExposed = partialmethod(QtBot.waitExposed, timeout=PATIENCE)  # noqa: N815
    waitSignal = partialmethod(QtBot.waitSignal, timeout=PATIENCE)  # noqa: N815
    waitSignals = partialmethod(QtBot.waitSignals, timeout=PATIENCE)  # noqa: N815
    waitUntil = partialmethod(QtBot.waitUntil, timeout=PATIENCE)  # noqa: N815
    waitCallback = partialmethod(QtBot.waitCallback, timeout=PATIENCE)  # noqa: N815
