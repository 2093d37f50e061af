"""The installed PySide6 must not lose references to None, True or False.

Before Python 3.12 these are counted objects, and some PySide6 versions drop one reference too many at each
call; after some thousands of calls the interpreter aborts. From 3.12 on they are immortal, whatever their count:
PySide6 before 6.12 is compiled for older versions of Python, which lower it, and nothing comes of that.
"""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

CALLS = 2000

# Run in a process of its own, which a bad PySide6 may abort. The spare references let it report instead.
COUNT_LOST_REFERENCES = """
import gc, json, sys
from PySide6.QtCore import QObject, Qt, Signal, Slot
from PySide6.QtWidgets import QApplication, QCheckBox

calls = int(sys.argv[1])
spare = [[None] * 50 * calls, [True] * 50 * calls, [False] * 50 * calls]


class Receiver(QObject):
    flag = Signal(bool)
    plain = Signal()
    thing = Signal(object)
    queued = Signal(bool)

    @Slot(bool)
    def take_flag(self, flag):
        pass

    def take_any(self, *arguments):
        pass


application = QApplication([])
box = QCheckBox()
target = QCheckBox()
receiver = Receiver()
receiver.flag.connect(receiver.take_flag)
receiver.flag.connect(target.setEnabled)
receiver.plain.connect(receiver.take_any)
receiver.thing.connect(receiver.take_any)
receiver.queued.connect(receiver.take_flag, Qt.ConnectionType.QueuedConnection)
box.toggled.connect(receiver.take_flag)
box.toggled.connect(lambda flag: None)


def connect_and_disconnect(flag):
    receiver.plain.connect(receiver.take_flag)
    receiver.plain.disconnect(receiver.take_flag)


def emit_queued(flag):
    receiver.queued.emit(flag)
    application.processEvents()


exercises = {
    "a void call": lambda flag: box.setText("text"),
    "a void call with a bool": lambda flag: box.setEnabled(flag),
    "a call that returns a bool": lambda flag: box.isEnabled(),
    "a call that returns None": lambda flag: box.parent(),
    "a property": lambda flag: (box.setProperty("own", flag), box.property("own")),
    "a signal of Python": lambda flag: receiver.plain.emit(),
    "a signal of Python with a bool": lambda flag: receiver.flag.emit(flag),
    "a signal of Python with an object": lambda flag: receiver.thing.emit(flag),
    "a queued signal": emit_queued,
    "a signal of Qt with a bool": lambda flag: box.setChecked(flag),
    "a connection": connect_and_disconnect,
}
lost = {}
for name, exercise in exercises.items():
    exercise(True)
    gc.collect()
    before = [sys.getrefcount(value) for value in (None, True, False)]
    for index in range(calls):
        exercise(index % 2 == 0)
    after = [sys.getrefcount(value) for value in (None, True, False)]
    for value, old, new in zip((None, True, False), before, after):
        if old - new > calls // 10:
            lost[f"{value} at {name}"] = old - new
print(json.dumps(lost))
"""


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="these objects are immortal from Python 3.12 on")
def test_pyside_keeps_references_to_none_true_and_false() -> None:
    done = subprocess.run(
        [sys.executable, "-c", COUNT_LOST_REFERENCES, str(CALLS)],
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, f"the interpreter ended with {done.returncode}: {done.stderr[-2000:]}"
    lost = json.loads(done.stdout.splitlines()[-1])
    assert not lost, f"references lost in {CALLS} calls each, install another PySide6: {lost}"
