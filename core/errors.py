"""Errors whose text is one sentence for the person in front of the screen."""


class NnvizError(Exception):
    """Base of every error that a person can cause: its text names the place and the remedy."""


class NetworkError(NnvizError):
    """A change that a network's rules refuse, such as an edge that would close a cycle."""


class DataError(NnvizError):
    """A value, row or column that a dataset cannot take."""


class ProjectError(NnvizError):
    """A project file that cannot be read or written."""


class TrainingError(NnvizError):
    """A pass or an update that cannot be computed, such as training without a target."""


class ExportError(NnvizError):
    """An export that cannot be written, or that does not compute what the network computes."""


class ImportFileError(NnvizError):
    """A file of weights or a model that cannot be read, or does not fit."""
