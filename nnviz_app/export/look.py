"""What a picture of the drawing looks like, whatever the theme and the settings of the window are."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct
from PySide6.QtCore import QObject

from core.style import Rounding, Style
from nnviz_app.preferences import LabelMode, Preferences


class Look(Struct, frozen=True):
    """What a picture looks like, whatever the theme and the settings of the window are.

    `transparent`: nothing behind the drawing. `numbers` False: outlines and names only. `maps`: each neuron's answer
    over the two inputs in it; `health`: marks at neurons that cannot learn. `lights_steps`: the last steps' numbers
    stand out, as while one steps.
    """

    mode: Literal["light", "dark"] = "light"
    transparent: bool = False
    numbers: bool = True
    style: Style = Style()
    edge_labels: LabelMode = LabelMode.AUTO
    maps: bool = False
    health: bool = False
    lights_steps: bool = True


def preferences_of(look: Look, rounding: Rounding | None, owner: QObject) -> Preferences:
    """The preferences that a canvas needs to look so. They are nobody's, and not kept."""
    preferences = Preferences(owner, is_kept=False)
    preferences.set_notation(look.style.notation)
    preferences.set_digits(look.style.digits)
    preferences.set_rounding(rounding)
    preferences.set_label_mode(look.edge_labels)
    preferences.set_shows_maps(look.maps)
    preferences.set_shows_health(look.health)
    return preferences
