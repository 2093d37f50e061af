"""The checkup: the diagnosis of the network on show, for the canvas and the panels, computed when it is asked for."""

from __future__ import annotations

import time

from PySide6.QtCore import QObject, QTimer, Signal

from core.diagnostics import Diagnosis, diagnose
from core.engine import Engine
from core.errors import NnvizError
from core.plan import Plan
from nnviz_app.document import Change, Document

# Seconds between two diagnoses, at least, and how many times as long as one took.
PAUSE = 0.25
PAUSE_TO_WORK = 10.0


class Checkup(QObject):
    """Gives `diagnosis`; `outdated` comes, not too often, when the network or its data have changed since.

    Whoever shows it asks again then. Nothing is computed while nobody asks.
    """

    outdated = Signal()

    def __init__(self, document: Document) -> None:
        super().__init__(document)
        self.document = document
        # Why there is no diagnosis; empty when there is one.
        self.problem = ""
        self._diagnosis: Diagnosis | None = None
        self._engine: Engine | None = None
        self._is_stale = True
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self.outdated)
        self._free_from = 0.0
        document.changed.connect(self._follow)

    @classmethod
    def of(cls, document: Document) -> Checkup:
        """The one checkup of a document, made when it is first asked for."""
        return document.findChild(cls) or cls(document)

    @property
    def diagnosis(self) -> Diagnosis | None:
        """The diagnosis of the present parameters; None where there is no loss (`problem` says what is missing)."""
        if self._is_stale:
            self._is_stale = False
            start = time.perf_counter()
            self._compute()
            now = time.perf_counter()
            self._free_from = now + max(PAUSE, PAUSE_TO_WORK * (now - start))
        return self._diagnosis

    def _compute(self) -> None:
        project = self.document.project
        self._diagnosis, self.problem = None, ""
        try:
            engine = self._engine_for(self.document.run.plan)
            engine.load(project.network.values)
            self._diagnosis = diagnose(engine, project.dataset)
        except NnvizError as error:
            self.problem = str(error)

    def _engine_for(self, plan: Plan) -> Engine:
        settings, engine = self.document.project.settings, self._engine
        same = engine is not None and engine.plan is plan
        if engine is None or not same or (engine.loss.name, engine.mean) != (settings.loss, settings.batch_mean):
            engine = self._engine = Engine(plan, loss=settings.loss, mean=settings.batch_mean)
        return engine

    def _follow(self, change: Change) -> None:
        if not (change.affects_numbers or change.project):
            return
        self._is_stale = True
        if change.project:
            self._free_from = 0.0
            self._timer.stop()
        if not self._timer.isActive():
            self._timer.start(round(1000 * max(0.0, self._free_from - time.perf_counter())))
