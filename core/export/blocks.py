"""What a layer reads, in blocks: the inputs are block 0, the neurons of the k-th layer, counted from 1, block k."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from msgspec import Struct

from core.export.form import ModelForm


class Reading(Struct, frozen=True):
    """The `blocks` side by side, and of these the `columns`, or None where it is all of them in order."""

    blocks: tuple[int, ...]
    columns: tuple[int, ...] | None


def reading(form: ModelForm, places: Sequence[int]) -> Reading:
    """How to get the neurons at these places of `form.names` from as few blocks as possible."""
    sizes = [len(form.inputs), *(len(layer.neurons) for layer in form.layers)]
    starts = np.cumsum([0, *sizes])
    block_of = np.searchsorted(starts, np.asarray(places), side="right") - 1
    blocks = tuple(sorted({int(block) for block in block_of}))
    present = [place for block in blocks for place in range(starts[block], starts[block + 1])]
    if present == list(places):
        return Reading(blocks, None)
    column = {place: i for i, place in enumerate(present)}
    return Reading(blocks, tuple(column[place] for place in places))
