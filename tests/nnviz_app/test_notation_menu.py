"""The menu of notations: it follows the panel, and everything on show follows it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.style import Notation, Rounding
from nnviz_app.preferences import NOTATIONS

if TYPE_CHECKING:
    from window_hands import WindowHands


def checked(hands: WindowHands) -> list[str]:
    """The titles with a check in the menu."""
    actions = hands.window.menus._notation_actions
    return [action.text().replace("&", "") for action in actions.values() if action.isChecked()]


def test_the_menu_chooses_a_book_and_shows_which_one(hands: WindowHands) -> None:
    assert checked(hands) == ["nnviz"]
    hands.choose("View", "Notation", "Mazur's article")
    assert hands.window.preferences.notation == NOTATIONS["Mazur's article"]
    assert checked(hands) == ["Mazur's article"]
    # Symbols that are no book's: none of them.
    hands.window.preferences.set_notation(Notation(rate="lr"))
    assert checked(hands) == []
    hands.choose("View", "Notation", "nnviz")
    assert checked(hands) == ["nnviz"]


def test_the_inspector_follows(hands: WindowHands) -> None:
    hands.choose("View", "Notation", "Mazur's article")
    hands.window.selection.set(["h1"])
    hands.window.docks["Inspector"].show()
    hands.window.docks["Inspector"].raise_()
    hands.settle()
    labels = [row.reading.label for row in hands.window.inspector.readings.rows]
    assert labels[:3] == ["net", "out", "∂E/∂out"]


def test_the_toolbar_says_that_steps_are_rounded(hands: WindowHands) -> None:
    menus, preferences = hands.window.menus, hands.window.preferences
    preferences.set_rounding(Rounding(3))
    assert menus.digits_button.text() == "Rounded: 3 decimals"
    assert not menus._digit_actions[4].isEnabled()
    preferences.set_rounding(None)
    assert menus.digits_button.text() == "Digits: 4"
    assert menus._digit_actions[4].isEnabled()
