"""What a project file looks like: msgspec decodes straight into these records and refuses all that is not described.

`project_schema` says the same to other tools. Limits are those of a file, whoever wrote it.
"""

from collections.abc import Iterable
from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, Raw, Struct, UnsetType

from core.activations import ACTIVATIONS
from core.dataset import MAX_CELLS
from core.initializers import INITIALIZERS
from core.losses import LOSSES
from core.optimizers import OPTIMIZERS
from core.rate_schedules import SCHEDULES
from core.settings import Settings
from core.walkthrough import END, HIDEABLE, MOST_UPDATES, START

FORMAT = "nnviz"
# The version that this program reads and writes.
VERSION = 1

# What a file may hold at most. The largest network with data of all these sizes takes about 100 MB.
MAX_BYTES = 128 * 2**20
MAX_NEURONS = 5_000
MAX_EDGES = 200_000
# Steps of scaling, and breakpoints.
MAX_STEPS = 10_000
MAX_MOMENTS = 1_000
# Counts in the settings fit a 32-bit integer.
MAX_COUNT = 2**31 - 1


def _choice(names: Iterable[str], description: str) -> Meta:
    # Checked by this module rather than by msgspec, so that the message can list the names.
    return Meta(description=description, extra_json_schema={"enum": list(names)})


Id = Annotated[str, Meta(min_length=1, max_length=40, description="A name, unique among neurons and edges.")]
Across = Annotated[float, Meta(description="Where it is drawn: to the right, in pixels at 100 %.")]
Down = Annotated[float, Meta(description="Where it is drawn: downwards, in pixels at 100 %.")]
Bias = Annotated[float, Meta(description="Its bias.")]
FrozenBias = Annotated[bool, Meta(description="Whether updates leave the bias alone.")]
Count = Annotated[int, Meta(ge=0, le=MAX_COUNT)]
_DEFAULTS = Settings()


class InputRecord(Struct, forbid_unknown_fields=True, tag_field="role", tag="input"):
    """An input neuron: it has no activation and no bias."""

    id: Id
    x: Across
    y: Down


class HiddenRecord(Struct, forbid_unknown_fields=True, tag_field="role", tag="hidden"):
    """A hidden neuron."""

    id: Id
    activation: Annotated[str, _choice([n for n in ACTIVATIONS if n != "softmax"], "Its activation.")]
    bias: Bias
    x: Across
    y: Down
    frozen: FrozenBias = False
    dropout: Annotated[float, Meta(ge=0, lt=1, description="For which share of samples training leaves it out.")] = 0.0


class OutputRecord(Struct, forbid_unknown_fields=True, tag_field="role", tag="output"):
    """An output neuron."""

    id: Id
    activation: Annotated[str, _choice(ACTIVATIONS, "Its activation; softmax goes over all outputs that use it.")]
    bias: Bias
    x: Across
    y: Down
    frozen: FrozenBias = False


class EdgeRecord(Struct, forbid_unknown_fields=True):
    """An edge: with a weight of its own, or tied to another edge, whose weight it shares."""

    id: Id
    source: Annotated[str, Meta(description="The id of the neuron where it starts.")]
    target: Annotated[str, Meta(description="The id of the neuron where it ends; never an input.")]
    weight: Annotated[float, Meta(description="Its weight.")] | UnsetType = UNSET
    tied_to: Annotated[str, Meta(description="The id of the edge whose weight it shares.")] | UnsetType = UNSET
    frozen: Annotated[bool, Meta(description="Whether updates leave its own weight alone.")] = False


_ONE_WEIGHT = {
    "oneOf": [
        {"required": ["weight"]},
        {"required": ["tied_to"], "properties": {"frozen": {"const": False}}},
    ]
}


class NetworkRecord(Struct, forbid_unknown_fields=True):
    """The neurons and the edges, in drawing order. The edges form no cycle."""

    neurons: Annotated[list[InputRecord | HiddenRecord | OutputRecord], Meta(max_length=MAX_NEURONS)]
    edges: Annotated[list[Annotated[EdgeRecord, Meta(extra_json_schema=_ONE_WEIGHT)]], Meta(max_length=MAX_EDGES)]


class ScalingRecord(Struct, forbid_unknown_fields=True):
    """A step between the numbers in the file and what the network sees: (value - shift) / scale."""

    column: Annotated[str, Meta(description="The id of the input or output.")]
    kind: Annotated[Literal["standardize", "range"], Meta(description="What shift and scale were taken from.")]
    shift: float
    scale: float


class DataRecord(Struct, forbid_unknown_fields=True):
    """The samples: a column for each input (its values) and each output (its targets), a row for each sample."""

    columns: Annotated[list[str], Meta(max_length=MAX_NEURONS, description="The ids of the inputs and outputs.")]
    rows: Annotated[
        list[Annotated[list[float], Meta(max_length=MAX_NEURONS)]],
        Meta(max_length=MAX_CELLS, description="A list for each sample, with a number for each column."),
    ]
    test: Annotated[
        list[Annotated[int, Meta(ge=1)]],
        Meta(max_length=MAX_CELLS, description="The rows that training leaves out, counted from 1."),
    ] = []
    scalings: Annotated[
        list[ScalingRecord], Meta(max_length=MAX_STEPS, description="In the order in which they are applied.")
    ] = []


class SettingsRecord(Struct, forbid_unknown_fields=True):
    """How passes and updates are computed; the fields of core.project.Settings."""

    loss: Annotated[str, _choice(LOSSES, "The loss.")] = _DEFAULTS.loss
    learning_rate: Annotated[float, Meta(ge=0)] = _DEFAULTS.learning_rate
    batch_size: Annotated[Count, Meta(description="Samples in an update; 0 stands for all rows.")] = (
        _DEFAULTS.batch_size
    )
    batch_mean: Annotated[bool, Meta(description="Whether a batch's loss is the mean, else the sum.")] = (
        _DEFAULTS.batch_mean
    )
    update_biases: Annotated[bool, Meta(description="Whether updates change the biases.")] = _DEFAULTS.update_biases
    updated_weights: Annotated[bool, Meta(description="Whether gradients go back through weights updated already.")] = (
        _DEFAULTS.updated_weights
    )
    seed: Annotated[int, Meta(ge=0, le=2**63 - 1, description="For new random weights, shuffling and dropout.")] = (
        _DEFAULTS.seed
    )
    initializer: Annotated[str, _choice(INITIALIZERS, "For new random weights.")] = _DEFAULTS.initializer
    initializer_scale: Annotated[float, Meta(description="The number that some initializers take.")] = (
        _DEFAULTS.initializer_scale
    )
    epochs: Annotated[int, Meta(ge=1, le=MAX_COUNT, description="Passes over the data that a run makes.")] = (
        _DEFAULTS.epochs
    )
    optimizer: Annotated[str, _choice(OPTIMIZERS, "How the gradient changes the parameters.")] = _DEFAULTS.optimizer
    optimizer_options: Annotated[dict[str, float], Meta(description="Those that are not the defaults.")] = {}
    l1: Annotated[float, Meta(ge=0, description="Penalty on the absolute values of the weights.")] = 0.0
    l2: Annotated[float, Meta(ge=0, description="Penalty on the squares of the weights, half of it.")] = 0.0
    schedule: Annotated[str, _choice(SCHEDULES, "How the learning rate changes by epoch.")] = _DEFAULTS.schedule
    schedule_options: Annotated[dict[str, float], Meta(description="Those that are not the defaults.")] = {}
    shuffle: Annotated[bool, Meta(description="Whether each epoch has an order of its own.")] = False
    precision: Annotated[Literal["float64", "float32"], Meta(description="What the engine computes with.")] = "float64"
    stop_loss: Annotated[float | None, Meta(description="A run ends at this training loss.")] = None
    stop_accuracy: Annotated[float, Meta(ge=0, le=1)] | None = None
    patience: Annotated[Count, Meta(description="A run ends after so many epochs without a smaller loss.")] = 0


class MemoryRecord(Struct, forbid_unknown_fields=True):
    """What the optimizer remembers: a number for each slot and parameter."""

    updates: Count
    slots: dict[str, dict[str, float]]


class BreakpointRecord(Struct, forbid_unknown_fields=True):
    """A condition that stops a run before the update that makes it true."""

    watch: Literal["loss", "parameter", "gradient", "activation"]
    relation: Literal["above", "below", "crosses", "changes_sign"]
    subject: Annotated[str, Meta(description="The id of a parameter or a neuron; empty for the loss.")] = ""
    value: float = 0.0
    absolute: Annotated[bool, Meta(description="Whether the absolute value is meant.")] = False
    enabled: bool = True


class SceneRecord(Struct, forbid_unknown_fields=True, kw_only=True):
    """A network with its data and settings."""

    network: NetworkRecord
    data: DataRecord
    settings: SettingsRecord = msgspec.field(default_factory=SettingsRecord)
    title: str = ""
    source: Annotated[str, Meta(description="Where the example comes from.")] = ""
    notes: str = ""
    updates: Annotated[Count, Meta(description="How many updates were made since the start.")] = 0
    start: Annotated[dict[str, float], Meta(description="Parameters at update 0, by id.")] | UnsetType = UNSET
    epoch: Annotated[Count, Meta(description="How many epochs are finished.")] = 0
    memory: MemoryRecord | UnsetType = UNSET
    used_rows: Annotated[Count, Meta(description="Training rows that the epoch under way has used.")] = 0


Names = Annotated[list[str], Meta(max_length=MAX_STEPS)]


class MomentRecord(Struct, forbid_unknown_fields=True):
    """A moment of a walkthrough: what is said, and what is on show meanwhile."""

    caption: Annotated[
        str, Meta(max_length=20_000, description="Markdown with $formulas$, [[symbols]] and [[numbers=]].")
    ] = ""
    scene: Annotated[int, Meta(ge=1, description="Which of the scenes, from 1.")] = 1
    update: Annotated[int, Meta(ge=0, le=MOST_UPDATES, description="The updates made since the scene's beginning.")] = 0
    row: Annotated[int, Meta(ge=1, description="The row of the scene's data, from 1.")] = 1
    position: Annotated[
        str,
        Meta(
            max_length=100,
            description=f'How far it is stepped through: "{START}", "{END}", a number of steps, or the quantity that '
            "the last step reveals, such as dL/dw(w5).",
        ),
    ] = START
    operation: Annotated[Count, Meta(description="Elementary operations done of the next step.")] = 0
    ask: Annotated[Names, Meta(description="The quantities on the way to the number that is explained.")] = []
    select: Annotated[Names, Meta(description="Ids of neurons and edges.")] = []
    highlight: Annotated[Names, Meta(description="Ids of neurons and edges.")] = []
    hide: Annotated[Names, Meta(description=f"Ids of neurons and edges, or {', '.join(HIDEABLE)}.")] = []
    panel: Annotated[str, Meta(description="The title of the panel to bring forward.")] = ""


class WalkthroughRecord(Struct, forbid_unknown_fields=True):
    """Moments in their order, and the networks that they are set in."""

    moments: Annotated[list[MomentRecord], Meta(max_length=MAX_MOMENTS)]
    scenes: Annotated[list[SceneRecord], Meta(max_length=MAX_MOMENTS)]


class ProjectRecord(SceneRecord, forbid_unknown_fields=True, kw_only=True):
    """A project file of nnviz: a network with its data and settings."""

    format: Literal["nnviz"]
    version: Literal[1]
    breakpoints: Annotated[list[BreakpointRecord], Meta(max_length=MAX_STEPS)] = []
    walkthrough: WalkthroughRecord | UnsetType = UNSET


class HeaderRecord(Struct):
    """What is read first, whatever the version."""

    format: Any = None
    version: Any = None


class StartRecord(Struct):
    """The parameters at update 0, each still as text: read when one of them is wrong, to find out which."""

    start: dict[str, Raw] = {}


def project_schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of a project file. It cannot say everything: no cycles, for example."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **msgspec.json.schema(ProjectRecord)}
