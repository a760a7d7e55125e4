"""The weights of a trial's best iteration, as a study keeps them: a whole file with a digest at its head."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path

import torch

from trainables.files import DamagedFile, read_with_digest, write_with_digest
from trainables.training import Weights


@dataclass(frozen=True, eq=False)
class KeptWeights:
    """iteration: the one whose chosen epoch they are of."""

    iteration: int
    weights: Weights


def write_weights(path: Path, iteration: int, weights: Weights) -> None:
    """Write the file whole; the one before it stays until then."""
    buffer = io.BytesIO()
    torch.save({"iteration": iteration, "weights": weights}, buffer)
    write_with_digest(path, buffer.getvalue())


def read_weights(path: Path) -> KeptWeights:
    """The inverse, on the CPU. Raises OSError where there is no such file, DamagedFile where it is not whole, or holds
    something else."""
    content = read_with_digest(path)
    try:
        plain = torch.load(io.BytesIO(content), weights_only=True, map_location="cpu")
        return KeptWeights(plain["iteration"], plain["weights"])
    except MemoryError:
        raise
    except Exception as error:  # torch and pickle raise errors of many kinds
        raise DamagedFile(f"{path}: its content is no weights: {type(error).__name__}: {error}") from error
