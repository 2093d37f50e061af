"""What was exported comes back: into the network by name, and as a new network, with the same outputs."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import pytest
from graph_strategies import networks
from hypothesis import assume, given, settings
from numpy.typing import NDArray

from core.decision import Probe
from core.export.formats import FORMATS
from core.imports.arrays import read_arrays
from core.imports.matching import apply_match, match_file
from core.imports.new_network import make_project
from core.jobs import finish
from core.network import Network
from core.project import Project

FORMATS_BACK = ["npz", "safetensors", "json", "csv", "onnx"]
# One in so many of the examples that others try.
SHARE = {"onnx": 5}


def outputs_of(network: Network, x: NDArray[np.float64]) -> NDArray[np.float64]:
    """The outputs, shape (rows, outputs), in drawing order."""
    probe = Probe(network)
    probe.load(network.values)
    return probe.activations(x, [neuron.id for neuron in network.outputs]).T


@pytest.fixture(scope="module", params=FORMATS_BACK)
def form(request: pytest.FixtureRequest) -> str:
    if request.param == "onnx":
        pytest.importorskip("onnx", reason="ONNX files need the library onnx")
    name: str = request.param
    return name


def exported(project: Project, form: str, folder: str) -> Path:
    path = Path(folder) / f"weights{FORMATS[form].suffix}"
    finish(FORMATS[form].write(project, path, precision="float64"))
    return path


def test_exports_come_back(form: str) -> None:
    @settings(max_examples=settings.default.max_examples // SHARE.get(form, 2))
    @given(networks(max_neurons=14))
    def check(network: Network) -> None:
        assume(network.inputs and network.outputs)
        project = Project(network)
        project.dataset.follow(network)
        with tempfile.TemporaryDirectory() as folder:
            file = read_arrays(exported(project, form, folder))
        blank = project.copy()
        blank.network.set_values(dict.fromkeys(network.values, 0.125))
        match = match_file(file, blank.network)
        assert (match.by, match.kept, match.unused) == ("name", (), ())
        apply_match(match, blank)
        assert blank.network.values == network.values
        if form == "csv":
            return
        new, sentences = make_project(file)
        assert sentences
        assert new.network.values == network.values
        assert set(new.network.edges.values()) == set(network.edges.values())
        assert set(new.network.neurons.values()) == set(network.neurons.values())
        assert new.network.frozen == network.frozen
        assert new.settings.loss == project.settings.loss
        x = np.random.default_rng(0).normal(size=(7, len(network.inputs)))
        np.testing.assert_allclose(outputs_of(new.network, x), outputs_of(network, x), rtol=1e-12, atol=1e-12)

    check()
