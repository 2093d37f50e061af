"""The engine and the model of nnviz: standard library, numpy and file formats, never Qt."""
