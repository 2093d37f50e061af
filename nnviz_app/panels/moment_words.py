"""The beginning of a caption as plain words, for lists of moments."""

from __future__ import annotations

import re

from core.walkthrough import REFERENCE
from nnviz_app.formula import plain_text

# So many words of a caption stand for it.
MOST_WORDS = 7


def first_words(caption: str) -> str:
    """The first words of a caption, without the marks of Markdown."""
    text = REFERENCE.sub(lambda found: found[1], caption)
    text = re.sub(r"\$([^$\n]+)\$", lambda found: plain_text(found[1]), text)
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", text)
    words = re.sub(r"[*_`#>]", "", text).split()
    if not words:
        return "(no caption)"
    return " ".join(words[:MOST_WORDS]) + (" …" if len(words) > MOST_WORDS else "")
