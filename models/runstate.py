"""The state of a training between two epochs, on disk: tensors and JSON in one safetensors file, whole or not at all."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from models.errors import ModelError
from recorder.host import sync_folder

KEY = "glimpse"


@dataclass(frozen=True)
class RunState:
    """tensors: by name; about: JSON values."""

    tensors: Mapping[str, Tensor]
    about: Mapping[str, Any]

    def parts(self, prefix: str) -> dict[str, Tensor]:
        """The tensors whose names begin so, by the rest of their names."""
        return {name.removeprefix(prefix): value for name, value in self.tensors.items() if name.startswith(prefix)}


def save_state(path: Path, state: RunState) -> None:
    """Raises ModelError where it cannot be written; what was there before is kept then."""
    tensors = {name: value.detach().cpu().contiguous().clone() for name, value in state.tensors.items()}
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("wb") as file:
            file.write(save(tensors, {KEY: json.dumps(state.about)}))
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
        sync_folder(path.parent)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise ModelError(f"{path}: cannot be written ({error.strerror}); make room or choose another folder.") from error


def load_state(path: Path) -> RunState:
    """Raises ModelError for a file that cannot be read."""
    try:
        with safe_open(path, "pt") as file:
            about = json.loads(file.metadata()[KEY])
            return RunState({name: file.get_tensor(name) for name in file.keys()}, about)  # noqa: SIM118
    except (SafetensorError, OSError, KeyError, TypeError, ValueError) as error:
        raise ModelError(f"{path}: is damaged or no state of a training; delete it to begin anew.") from error
