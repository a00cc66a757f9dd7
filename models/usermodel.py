"""A network of one's own, `FILE:CLASS`: loaded when the user names it, and tried before it is believed.

The class is called with channels, size_px and outputs, and gives a torch module that takes float32 [T, B, C, H, W] to logits
[T, B, outputs]. What it remembers between calls lives in SpikingJelly modules, so that it can be reset. Knows no training.
"""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import torch
from torch import Tensor, nn

from models.architecture import NetworkConfig
from models.errors import ModelError
from models.network import Network, Shape

CLIPS, STEPS = 2, 3
CLOSE = 1e-4  # between one call with all steps and one call a step: what separate rounding may make of it


def load_user_network(source: str, channels: int, size_px: int, outputs: int) -> Network:
    """The network that FILE:CLASS makes, tried.

    Runs the file's code. Raises: ModelError where there is no such class, or it does not keep the contract, with the reason.
    """
    file, name = split_source(source)
    maker = getattr(_module(file), name, None)
    if not isinstance(maker, type) or not issubclass(maker, nn.Module):
        raise ModelError(f"{file} has no class {name} derived from torch.nn.Module; name one as FILE:CLASS.")
    try:
        body = maker(channels=channels, size_px=size_px, outputs=outputs)
    except Exception as error:
        raise ModelError(
            f"{name} of {file} could not be made: {error}; it is called with channels, size_px, outputs."
        ) from error
    network = Network(body, NetworkConfig(kind="user", source=f"{file.name}:{name}"), Shape(channels, size_px, outputs))
    check_contract(network, name)
    return network


def split_source(source: str) -> tuple[Path, str]:
    """FILE:CLASS apart; the last colon counts, a drive letter's does not."""
    file, colon, name = source.rpartition(":")
    if not colon or not name.isidentifier() or not file:
        raise ModelError(f"{source} names no network; write FILE:CLASS, as in nets.py:MyNet.")
    if not Path(file).is_file():
        raise ModelError(f"There is no file {file} with a network; write FILE:CLASS, as in nets.py:MyNet.")
    return Path(file), name


def check_contract(network: Network, name: str) -> None:
    """Try the network on noise. Raises: ModelError that says what it does not do. Its weights stay as they were."""
    training = network.training
    network.eval()
    generator = torch.Generator().manual_seed(0)
    shape = (STEPS, CLIPS, network.shape.channels, network.shape.size_px, network.shape.size_px)
    x = torch.rand(shape, generator=generator)
    try:
        reason = _broken(network, x)
    except ModelError:
        raise
    except Exception as error:
        raise ModelError(f"{name} cannot take {list(shape)}: {error}; correct its forward.") from error
    finally:
        network.reset()
        network.zero_grad()
        network.train(training)
    if reason:
        raise ModelError(f"{name} {reason}.")


def _broken(network: Network, x: Tensor) -> str | None:
    network.reset()
    logits = network(x)
    wanted = [*x.shape[:2], network.shape.outputs]
    if not isinstance(logits, Tensor) or list(logits.shape) != wanted:
        return f"gives {list(getattr(logits, 'shape', []))} where logits {wanted} are wanted; correct its forward"
    if not bool(logits.isfinite().all()):
        return "gives numbers that are not finite; correct its forward"
    if not logits.requires_grad:
        return "cannot be trained: no gradient reaches its weights; give it parameters"
    torch.autograd.backward(logits.sum())
    network.reset()
    with torch.no_grad():
        if not torch.allclose(network(x), logits, atol=CLOSE):
            return "gives another answer after a reset; keep what it remembers in SpikingJelly modules"
        network.reset()
        single = torch.cat([network(step[None]) for step in x])
    if not torch.allclose(single, logits, atol=CLOSE):
        return "gives another answer when the steps come one by one, as they do live; let no step look at later ones"
    return None


def _module(file: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"glimpse_user_{file.stem}", file.resolve())
    if spec is None or spec.loader is None:
        raise ModelError(f"{file} is no Python file; name one with the ending .py.")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses and pickling look their module up
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise ModelError(f"{file} could not be loaded: {type(error).__name__}: {error}; correct it.") from error
    return module
