"""An exported model: a folder of weights (plain torch), description (JSON) and card (Markdown), and a model loaded from
it, ready to score."""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import torch

from trainables.base_models import BaseModel, build_base_model
from trainables.errors import UserError
from trainables.files import write_whole
from trainables.model.card import card_text
from trainables.model.description import (
    CARD_FILE,
    DESCRIPTION_FILE,
    WEIGHTS_FILE,
    ModelDescription,
    read_description,
)
from trainables.training import Weights


@dataclass(frozen=True, eq=False)
class TrainedModel:
    """network: on ``device``, in evaluation mode."""

    description: ModelDescription
    network: BaseModel
    device: torch.device

    @property
    def dtype(self) -> torch.dtype:
        """Of the matrix products, as in training."""
        dtype: torch.dtype = getattr(torch, self.description.run.compute.dtype)
        return dtype


def save_model(folder: Path, description: ModelDescription, weights: Weights) -> ModelDescription:
    """Make the folder of a model, whole or not at all; returns the description with the digest of the weights.

    Raises UserError where ``folder`` exists and is not empty, or cannot be written.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UserError(f"--out: {folder} exists and is not an empty folder; choose another one")
    buffer = io.BytesIO()
    torch.save({name: tensor.contiguous().clone() for name, tensor in weights.items()}, buffer)
    content = buffer.getvalue()
    description = replace(description, weights_sha256=hashlib.sha256(content).hexdigest())
    aside = folder.with_name(f".{folder.name}.{os.getpid()}")
    try:
        write_whole(aside / WEIGHTS_FILE, content)
        write_whole(aside / CARD_FILE, card_text(description).encode())
        text = json.dumps(description.to_json(), indent=1, ensure_ascii=False) + "\n"
        write_whole(aside / DESCRIPTION_FILE, text.encode())
        if folder.exists():
            folder.rmdir()
        os.rename(aside, folder)
    except OSError as error:
        raise UserError(f"--out: {error.filename or folder}: {error.strerror}; choose another folder") from None
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    return description


def load_model(folder: Path | str, device: Literal["auto", "cpu", "cuda"] = "auto") -> TrainedModel:
    """An exported model, ready for ``predict``.

    device: ``auto`` takes CUDA where there is one. Raises UserError for a folder that holds no whole model. Weights are
    loaded with ``weights_only=True``: no code of the file runs.
    """
    folder = Path(folder)
    description = read_description(folder)
    file = folder / WEIGHTS_FILE
    try:
        content = file.read_bytes()
    except OSError as error:
        raise UserError(f"--model: {file}: {error.strerror}; export the model again") from None
    if hashlib.sha256(content).hexdigest() != description.weights_sha256:
        raise UserError(f"--model: {file} does not agree with the digest in {DESCRIPTION_FILE}; export the model again")
    weights = torch.load(io.BytesIO(content), weights_only=True, map_location="cpu")
    if device == "cuda" and not torch.cuda.is_available():
        raise UserError("--device: 'cuda' was requested, but torch sees no CUDA device; use auto or cpu")
    place = torch.device("cuda" if device != "cpu" and torch.cuda.is_available() else "cpu")
    shape = description.features.dimensions, len(description.classes)
    network = build_base_model(description.run, *shape, torch.Generator())
    network.load_state_dict(weights)
    return TrainedModel(description, network.to(place).eval(), place)
