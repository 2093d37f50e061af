"""The options that say which colours a picture has."""

from __future__ import annotations

from typing import Literal

from nnviz_app.export.options import Pick, Switch, Values
from nnviz_app.export.subject import Subject

_AS_SHOWN, _LIGHT, _DARK = ("window", "As in the window"), ("light", "Light"), ("dark", "Dark")
COLOURS = Pick(name="mode", title="Co&lours", choices=(_AS_SHOWN, _LIGHT, _DARK))
# Of what goes on paper, whatever the window looks like.
PAPER_COLOURS = Pick(name="mode", title=COLOURS.title, choices=(_LIGHT, _DARK, _AS_SHOWN))
TRANSPARENT = Switch(name="transparent", title="Transparent back&ground")


def chosen_mode(subject: Subject, values: Values) -> Literal["light", "dark"]:
    """The colours."""
    mode = values["mode"]
    is_dark = subject.is_dark if mode == "window" else mode == "dark"
    return "dark" if is_dark else "light"
