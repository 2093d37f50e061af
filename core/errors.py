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
