"""Conditions that stop a run before the update that makes them true."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from core.numbers import format_number


class Watch(StrEnum):
    """What a condition is about.

    Loss and gradient are those of the batch without penalties, the activation is its mean over the batch.
    """

    LOSS = "loss"
    PARAMETER = "parameter"
    GRADIENT = "gradient"
    ACTIVATION = "activation"


class Relation(StrEnum):
    """What has to happen. Above and below hold for one value, the others between two updates that follow."""

    ABOVE = "above"
    BELOW = "below"
    CROSSES = "crosses"
    CHANGES_SIGN = "changes_sign"


@dataclass(frozen=True, slots=True)
class Breakpoint:
    """A condition on one number of a run. `subject` is a parameter's or neuron's id, empty for the loss.

    An absolute value is meant where `absolute`: "|gradient| above 10".
    """

    watch: Watch
    relation: Relation
    subject: str = ""
    value: float = 0.0
    absolute: bool = False
    enabled: bool = True

    def holds(self, former: float | None, present: float) -> bool:
        """Whether the condition holds now that the number has gone from `former` (None: not known) to `present`."""
        if self.absolute:
            former, present = None if former is None else abs(former), abs(present)
        if self.relation is Relation.ABOVE:
            return present > self.value
        if self.relation is Relation.BELOW:
            return present < self.value
        if former is None:
            return False
        level = self.value if self.relation is Relation.CROSSES else 0.0
        # Reaching the level is a crossing, whichever side it is reached from; leaving it is none.
        return former < level <= present or present <= level < former

    def describe(self, name: str = "") -> str:
        """The condition in words; `name` stands for the subject: "∂L/∂w5 crosses 0.1"."""
        if self.watch is Watch.LOSS:
            name = "loss"
        words = {
            Watch.GRADIENT: f"gradient of {self.subject}",
            Watch.ACTIVATION: f"activation of {self.subject}",
        }
        shown = name or words.get(self.watch, self.subject)
        if self.absolute:
            shown = f"|{shown}|"
        if self.relation is Relation.CHANGES_SIGN:
            return f"{shown} changes sign"
        word = {Relation.ABOVE: "above", Relation.BELOW: "below"}.get(self.relation, "crosses")
        return f"{shown} {word} {format_number(self.value, 6)}"
