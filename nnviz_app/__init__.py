"""nnviz: draw a neural network and step through backpropagation."""

__version__ = "0.1.0"
