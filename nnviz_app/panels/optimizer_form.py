"""The form of the training panel that chooses the optimizer, its options and the learning rate."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial

from PySide6.QtCore import Signal

from core.learning import rate_of
from core.numbers import format_number
from core.optimizers import OPTIMIZERS, Optimizer
from core.options import Option
from core.rate_schedules import SCHEDULES, RateSchedule
from core.settings import Settings
from nnviz_app.document import Document
from nnviz_app.panels.forms import SettingField
from nnviz_app.panels.training_fields import WIDE, SettingsForm


class OptimizerForm(SettingsForm):
    """How an update is made of a gradient. `noted` carries what was set besides what a person chose."""

    noted = Signal(str)

    def __init__(self, document: Document) -> None:
        super().__init__(document)
        self.optimizer_box = self.box({key: o.title for key, o in OPTIMIZERS.items()}, self._choose_optimizer)
        self.rate_field = SettingField(
            "Learning rate",
            "How far each update goes: 0.5, 0,5 or 1/3",
            allows=lambda value: value > 0.0,
            bounds="above 0, such as 0.5 or 1/3",
        )
        self.number("learning_rate", self.rate_field, "Set the learning rate")
        self.schedule_box = self.box({key: s.title for key, s in SCHEDULES.items()}, self._choose_schedule)
        self.biases_box = self.choice(
            "update_biases",
            {True: "Updated", False: "Fixed"},
            "Update biases or not",
            about="Whether an update changes the biases, or the weights only",
        )
        # By the owner's name and the option's; those of the chosen optimizer and schedule are shown.
        self.option_fields: dict[tuple[str, str], SettingField] = {}
        self.add("Optimizer", self.optimizer_box, ems=WIDE)
        self._add_options("optimizer_options", OPTIMIZERS.values())
        self.add("Learning rate", self.rate_field)
        self.add("Schedule", self.schedule_box, ems=8.0)
        self._add_options("schedule_options", SCHEDULES.values())
        self.rate_line = self.add_line()
        self.add("Biases", self.biases_box, ems=6.5)

    def _add_options(self, name: str, owners: Iterable[Optimizer | RateSchedule]) -> None:
        for owner in owners:
            for option in owner.options:
                about = f"{option.symbol}: {option.about} Usually {format_number(option.default)}."
                field = SettingField(option.title, about, allows=option.allows, bounds=option.bounds)
                field.chosen.connect(partial(self._set_option, name, option, field))
                field.refused.connect(self.refused)
                self.option_fields[owner.name, option.name] = field
                self.add(option.title, field)

    # What hands do

    def _choose_optimizer(self, name: str) -> None:
        settings = self.document.project.settings
        if name == settings.optimizer:
            return
        former, present = OPTIMIZERS[settings.optimizer], OPTIMIZERS[name]
        rate = settings.learning_rate
        # One that was chosen by hand stays.
        if rate in (former.suggested_rate, Settings().learning_rate):
            rate = present.suggested_rate
        changed = self.set(
            f"Change the optimizer to {present.title}",
            optimizer=name,
            optimizer_options=_shared(settings.optimizer_options, former.options, present.options),
            learning_rate=rate,
        )
        if changed and rate != settings.learning_rate:
            self.noted.emit(f"The learning rate is now {format_number(rate)}, which is usual with {present.title}.")

    def _choose_schedule(self, name: str) -> None:
        settings = self.document.project.settings
        if name != settings.schedule:
            former, present = SCHEDULES[settings.schedule], SCHEDULES[name]
            self.set(
                f"Change the schedule to {present.title.lower()}",
                schedule=name,
                schedule_options=_shared(settings.schedule_options, former.options, present.options),
            )

    def _set_option(self, name: str, option: Option, field: SettingField, value: float) -> None:
        options = {**getattr(self.document.project.settings, name), option.name: value}
        if value == option.default:
            del options[option.name]
        self.set(f"Set {option.title.lower()}", field=field, **{name: options})

    # What is shown

    def refresh(self, *, force: bool = False) -> None:
        super().refresh(force=force)
        settings = self.document.project.settings
        optimizer, schedule = OPTIMIZERS[settings.optimizer], SCHEDULES[settings.schedule]
        self.optimizer_box.setCurrentIndex(self.optimizer_box.findData(optimizer.name))
        self.optimizer_box.setToolTip(f"{optimizer.title}\n{optimizer.source}")
        self.schedule_box.setCurrentIndex(self.schedule_box.findData(schedule.name))
        self.schedule_box.setToolTip(f"{schedule.about}\n{schedule.text}, with k the number of finished epochs")
        shown: dict[tuple[str, str], float] = {}
        for owner, values in ((optimizer, settings.optimizer_options), (schedule, settings.schedule_options)):
            shown |= {(owner.name, o.name): values.get(o.name, o.default) for o in owner.options}
        for key, field in self.option_fields.items():
            self.show_row(field, key in shown)
            if key in shown:
                field.show_number(shown[key], force=force)
        self.show_row(self.rate_line, schedule.name != "constant")
        self.show_rate()

    def show_rate(self) -> None:
        """Show the present learning rate, where it follows a schedule."""
        project = self.document.project
        if project.settings.schedule != "constant":
            epochs, rate = project.epoch, rate_of(project.settings, project.epoch)
            when = f"After {epochs:,} epoch{'' if epochs == 1 else 's'}" if epochs else "At first"
            self.rate_line.setText(f"{when}: {format_number(rate)}")

    def summary(self) -> str:
        settings = self.document.project.settings
        title = OPTIMIZERS[settings.optimizer].title
        return f"{title}, {format_number(settings.learning_rate)}"


def _shared(values: Mapping[str, float], former: tuple[Option, ...], present: tuple[Option, ...]) -> dict[str, float]:
    """What was set of the options that both have."""
    both = {option.name for option in former if option in present}
    return {name: value for name, value in values.items() if name in both}
