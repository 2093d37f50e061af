"""What a run keeps so that any of its updates can be gone back to: segments, keyframes, losses."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass

from core.learning import Moment
from core.settings import Settings

# Memory for the keyframes of one run, in bytes.
KEYFRAME_BYTES = 64 * 2**20
# The same for a run that only the undo history or a comparison still holds.
REST_BYTES = 2**20
# What a keyframe takes beside its numbers: objects, dictionary entries.
KEYFRAME_OVERHEAD = 600
# Updates between two keyframes at first, by the numbers that one update handles (parameters times samples):
# going back computes at most so many updates again.
FIRST_INTERVALS = ((500, 4096), (4_000, 1024), (200_000, 128))
LEAST_INTERVAL = 16
# Points kept of one run's epochs; beyond it every second one is dropped.
POINT_LIMIT = 2_000


@dataclass(frozen=True, slots=True)
class LossPoint:
    """How good the network is after `update` updates: the loss over all training rows, and over the test rows.

    Accuracies are shares from 0 to 1 where targets stand for classes. What does not apply is None.
    """

    update: int
    loss: float
    test_loss: float | None = None
    accuracy: float | None = None
    test_accuracy: float | None = None


@dataclass(frozen=True, slots=True)
class Segment:
    """Updates that follow each other in the order of the epochs, with the same settings, by the same kernel.

    `first` updates were made before it; `epoch` and `batch` are those of its first update.
    """

    first: int
    settings: Settings
    epoch: int
    batch: int
    fast: bool

    def place(self, update: int, count: int) -> tuple[int, int]:
        """The epoch and batch that make update number `update`, with `count` batches an epoch."""
        epochs, batch = divmod(self.batch + update - self.first - 1, count)
        return self.epoch + epochs, batch


class Keyframes:
    """Moments after some of the updates since `first`, at regular intervals, within a limit of memory."""

    def __init__(self, first: int, interval: int) -> None:
        self.first, self.interval = first, interval
        self.moments: dict[int, Moment] = {}

    def copy(self, until: int) -> Keyframes:
        """The same up to and including update `until`; the moments are shared."""
        twin = Keyframes(self.first, self.interval)
        twin.moments = {update: moment for update, moment in self.moments.items() if update <= until}
        return twin

    def before(self, update: int) -> int:
        """The last update with a keyframe at or before this one."""
        update -= (update - self.first) % self.interval
        while update not in self.moments:
            update -= self.interval
        return update

    def next_due(self, update: int) -> int:
        """The next update after this one that gets a keyframe."""
        return update + self.interval - (update - self.first) % self.interval

    def wants(self, update: int) -> bool:
        """Whether a keyframe is due at this update, and not there yet."""
        return (update - self.first) % self.interval == 0 and update not in self.moments

    def keep(self, update: int, moment: Moment) -> None:
        """Add a keyframe; beyond KEYFRAME_BYTES every second one is dropped."""
        self.moments[update] = moment
        self.thin(KEYFRAME_BYTES)

    def drop_after(self, update: int) -> None:
        """Forget the keyframes after this update."""
        self.moments = {u: moment for u, moment in self.moments.items() if u <= update}

    def thin(self, limit: int) -> None:
        """Drop every second keyframe until the rest takes at most `limit` bytes."""
        while self.nbytes > limit and len(self.moments) > 4:
            self.interval *= 2
            self.moments = {u: m for u, m in self.moments.items() if (u - self.first) % self.interval == 0}

    @property
    def nbytes(self) -> int:
        """The bytes that they take, roughly."""
        if not self.moments:
            return 0
        one = next(iter(self.moments.values()))
        return len(self.moments) * (one.nbytes + KEYFRAME_OVERHEAD)


def first_interval(numbers: int) -> int:
    """Updates between two keyframes where one update handles so many numbers (parameters times samples)."""
    return next((interval for limit, interval in FIRST_INTERVALS if numbers < limit), LEAST_INTERVAL)


class Points:
    """The losses of a run for the plot. The updates made one at a time always keep theirs; of the epochs one in
    `stride` does, so that at most about POINT_LIMIT are kept, evenly spread."""

    def __init__(self) -> None:
        self.all: list[LossPoint] = []
        self.stepped: set[int] = set()
        self.stride = 1
        # How many epochs there were in all, and after how many of them each point of an epoch is.
        self.epochs = 0
        self._turns: dict[int, int] = {}

    def copy(self, until: int) -> Points:
        """The same up to and including update `until`."""
        twin = Points()
        twin.all = [point for point in self.all if point.update <= until]
        twin.stepped = {update for update in self.stepped if update <= until}
        twin.stride, twin.epochs = self.stride, self.epochs
        twin._turns = {u: turn for u, turn in self._turns.items() if u <= until}
        return twin

    def drop_after(self, update: int) -> None:
        """Forget the points after this update."""
        del self.all[bisect_right(self.all, update, key=lambda point: point.update) :]
        self.stepped = {u for u in self.stepped if u <= update}

    def add_step(self, point: LossPoint) -> None:
        """Add the point of an update that was made on its own."""
        self.stepped.add(point.update)
        self.all.append(point)

    def add_epoch(self, point: LossPoint, epochs: int = 1) -> None:
        """Add the point after the last of `epochs` epochs."""
        points = self.all
        # The last epoch always has a point: that of the one before goes unless its turn had come.
        if points and not self._stays(points[-1]):
            del self._turns[points.pop().update]
        self.epochs += epochs
        if points and points[-1].update == point.update:
            points.pop()
        points.append(point)
        self._turns[point.update] = self.epochs
        if len(points) > POINT_LIMIT + len(self.stepped):
            self.stride *= 2
            self.all = [p for p in points[:-1] if self._stays(p)] + points[-1:]
            self._turns = {p.update: self._turns[p.update] for p in self.all if p.update in self._turns}

    def _stays(self, point: LossPoint) -> bool:
        return point.update in self.stepped or self._turns[point.update] % self.stride == 0

    @property
    def epochs_to_next(self) -> int:
        """How many epochs until one whose point is kept."""
        return self.stride - self.epochs % self.stride
