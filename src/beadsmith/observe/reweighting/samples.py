"""The frames of one simulated model at one state as a row of samples, block by block."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from beadsmith.observe.molecular import FEWEST_REPLICAS
from beadsmith.observe.response.frame_values import Array, Integers

#: Blocks of time of a recording whose groups are too few, or which is a melt.
TIME_BLOCKS = 10


@dataclass(frozen=True)
class Layout:
    """How the frames of some recordings become samples.

    Independent molecules are blocks, whatever is known of them in all recordings; otherwise blocks are stretches of
    consecutive frames.

    Attributes:
        lengths: number of frames of each recording.
        firsts: first frame of each that is used.
        groups: number of groups in a frame.
    """

    lengths: tuple[int, ...]
    firsts: tuple[int, ...]
    groups: int

    @property
    def count(self) -> int:
        """Number of samples."""
        return (sum(self.lengths) - sum(self.firsts)) * self.groups

    @property
    def blocks(self) -> Integers:
        """First sample of each block, shape (blocks,)."""
        used = [length - first for length, first in zip(self.lengths, self.firsts, strict=True)]
        if self.by_group:
            return np.arange(self.groups) * sum(used)
        begins = np.cumsum([0, *used[:-1]])
        parts = [
            begin + np.unique(np.arange(TIME_BLOCKS) * frames // TIME_BLOCKS)
            for begin, frames in zip(begins, used, strict=True)
        ]
        return np.asarray(np.concatenate(parts) * self.groups)

    def samples(self, frames: Sequence[Array]) -> Array:
        """Numbers of all samples in their order.

        Args:
            frames: of each recording, shape (frames, groups, ...).

        Returns: shape (samples, ...).
        """
        used = np.concatenate([own[first:] for own, first in zip(frames, self.firsts, strict=True)])
        ordered = used.swapaxes(0, 1) if self.by_group else used
        return np.ascontiguousarray(ordered.reshape(-1, *ordered.shape[2:]))

    @property
    def by_group(self) -> bool:
        """Whether blocks are independent molecules."""
        return self.groups >= FEWEST_REPLICAS
