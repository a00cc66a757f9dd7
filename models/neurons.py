"""Spiking neurons: integrate-and-fire, leaky, and leaky with a threshold that rises with every spike.

They are SpikingJelly nodes (step_mode "s": one time step [B, C, ...]; "m": all of them [T, B, C, ...]; reset, surrogate
gradients) with the membrane equation of the handbook: tau du/dt = -(u - u_rest) + R I; a spike where u >= Vt, then
u <- u_reset, Vt <- Vt + dVt, and Vt relaxes back. Time is counted in steps. Knows no layers and no networks.
"""

import math
from collections.abc import Sequence
from typing import Any

import torch
from spikingjelly.activation_based import neuron, surrogate
from torch import Tensor, nn

from models.neuron_sequence import Law, run_sequence

# SpikingJelly 2 honours one's own charge, fire and reset in SimpleBaseNode only; before 2 there was BaseNode alone.
_Base: Any = getattr(neuron, "SimpleBaseNode", neuron.BaseNode)


class SpikingNode(_Base):  # type: ignore[misc]
    """What the three neurons share. Memories: v (potential), rise (of the threshold, if it rises), rest (steps of rest left).

    The equation is integrated by Euler's method with one step as unit, as SpikingJelly's LIFNode does:
    u[t] = u[t-1] + (R I[t] - (u[t-1] - u_rest)) / tau.
    """

    def __init__(
        self,
        tau_steps: float | Sequence[float] = math.inf,
        *,
        resistance: float | None = None,
        v_threshold: float = 1.0,
        v_rest: float = 0.0,
        v_reset: float | None = 0.0,
        threshold_step: float = 0.0,
        threshold_tau_steps: float = math.inf,
        refractory_steps: int = 0,
        surrogate_function: Any = None,
        detach_reset: bool = True,
        step_mode: str = "m",
    ) -> None:
        """tau_steps: membrane time constant; several are dealt out to the channels in turn; infinite: no leak.

        resistance: R; None: 1. v_reset: None subtracts the threshold instead (soft reset). threshold_step, threshold_tau_steps:
        dVt and the time constant of its way back. refractory_steps: how long the potential is held after a spike. detach_reset:
        no gradient through what a spike does to the potential and the threshold.
        """
        super().__init__(v_threshold, v_reset, surrogate_function or surrogate.ATan(), detach_reset, step_mode)
        self.taus_steps = tuple(tau_steps) if isinstance(tau_steps, Sequence) else (float(tau_steps),)
        if min(self.taus_steps) < 1.0 or threshold_tau_steps < 1.0:
            raise ValueError("a time constant is at least one step: a shorter one would overshoot in Euler's method")
        if len(self.taus_steps) > 1 and math.inf in self.taus_steps:
            raise ValueError("either all channels leak or none does")
        self.resistance = 1.0 if resistance is None else resistance
        self.v_rest = v_rest
        self.threshold_step = threshold_step
        self.threshold_tau_steps = threshold_tau_steps
        self.refractory_steps = refractory_steps
        self.compiled = True  # all steps at once on the processor; False: step by step in torch, for comparison
        self.v: Any  # SpikingJelly's memories: a number until the first step, then a tensor
        self.rise: Any
        self.rest: Any
        self.set_reset_value("v", v_rest)
        self.v = v_rest
        if threshold_step:
            self.register_memory("rise", 0.0)
        if refractory_steps:
            self.register_memory("rest", 0.0)

    @property
    def leaks(self) -> bool:
        """Whether the potential goes back to rest by itself."""
        return self.taus_steps[0] != math.inf

    def law(self) -> Law:
        """All constants, as plain numbers."""
        return Law(
            threshold=self.v_threshold,
            reset=self.v_reset,
            relax=1.0 - 1.0 / self.threshold_tau_steps,
            lift=self.threshold_step,
            refractory=self.refractory_steps,
            alpha=float(getattr(self.surrogate_function, "alpha", 2.0)),
            detached=self.detach_reset,
        )

    def coefficients(self, channels: int) -> Tensor:
        """[3, channels]: decay, gain and offset in u[t] = decay u[t-1] + gain I[t] + offset."""
        taus = [self.taus_steps[c % len(self.taus_steps)] for c in range(channels)]
        gain = [self.resistance / tau if self.leaks else self.resistance for tau in taus]
        return torch.tensor([[1.0 - 1.0 / tau for tau in taus], gain, [self.v_rest / tau for tau in taus]])

    def neuronal_charge(self, x: Tensor) -> None:
        """One step of the membrane equation; held while at rest."""
        decay, gain, offset = self._per_channel(x)
        charged = decay * self.v + (gain * x + offset)
        self.v = torch.where(self.rest > 0, self.v, charged) if self.refractory_steps else charged

    def neuronal_fire(self) -> Tensor:
        """1 where the potential has reached the threshold, which relaxes first."""
        if self.threshold_step:
            self.rise = self.rise * (1.0 - 1.0 / self.threshold_tau_steps)
        spike: Tensor = self.surrogate_function(self.v - self._limit())
        return spike * (self.rest <= 0).to(spike) if self.refractory_steps else spike

    def neuronal_reset(self, spike: Tensor) -> None:
        """Potential, threshold and rest after the spikes of this step."""
        done = spike.detach() if self.detach_reset else spike
        self.v = self.v - done * (self._limit() if self.v_reset is None else self.v - self.v_reset)
        if self.threshold_step:
            self.rise = self.rise + done * self.threshold_step
        if self.refractory_steps:
            fired = spike.detach()
            self.rest = fired * self.refractory_steps + (1.0 - fired) * (self.rest - 1.0).clamp(min=0.0)

    def single_step_forward(self, x: Tensor) -> Tensor:
        """Spikes [B, C, ...] of one step's input current [B, C, ...]."""
        self._materialise(x)
        self.neuronal_charge(x)
        spike = self.neuronal_fire()
        self.neuronal_reset(spike)
        return spike

    def multi_step_forward(self, x_seq: Tensor) -> Tensor:
        """Spikes [T, B, C, ...] of the input current [T, B, C, ...]; the state is carried on to the next call."""
        if not self._at_once(x_seq):
            whole = x_seq if x_seq.dtype == torch.float64 else x_seq.float()  # autocast gives half the bits
            return torch.stack([self.single_step_forward(x) for x in whole])
        return self._run(x_seq, None)

    def detach(self) -> None:
        """Keep the state and forget how it came about."""
        for name in self._memories:
            value = getattr(self, name)
            if isinstance(value, Tensor):
                setattr(self, name, value.detach())

    def normed(self, x_seq: Tensor, norm: nn.BatchNorm2d) -> Tensor:
        """Spikes [T, B, C, H, W] of norm(x_seq), T folded into the batch for the normalisation.

        The same as `self(norm(x_seq))`, in one pass over the memory where that is possible.
        """
        if self._at_once(x_seq):
            return self._run(x_seq, norm)
        steps = x_seq.shape[:2]
        return self.multi_step_forward(norm(x_seq.flatten(0, 1)).unflatten(0, steps))

    def extra_repr(self) -> str:
        """The constants, for printing a network."""
        taus = ", ".join(f"{tau:g}" for tau in self.taus_steps)
        return (
            f"tau_steps={taus}, v_threshold={self.v_threshold:g}, v_reset={self.v_reset}, "
            f"threshold_step={self.threshold_step:g}, refractory_steps={self.refractory_steps}, step_mode={self.step_mode}"
        )

    def _at_once(self, x: Tensor) -> bool:
        plain = type(self.surrogate_function) is surrogate.ATan and self.surrogate_function.spiking
        watched = torch._C._get_tracing_state() is not None or torch.compiler.is_compiling()
        return self.compiled and plain and not watched and x.device.type == "cpu" and x.dtype != torch.float64

    def _run(self, x_seq: Tensor, norm: nn.BatchNorm2d | None) -> Tensor:
        x_seq = x_seq.float()
        self._materialise(x_seq[0])
        state = [getattr(self, name, None) for name in ("v", "rise", "rest")]
        spikes, *state = run_sequence(x_seq, state, self.coefficients(x_seq.shape[2]), self.law(), norm)
        for name, value in zip(("v", "rise", "rest"), state, strict=True):
            if hasattr(self, name):
                setattr(self, name, value)
        return spikes

    def _materialise(self, x: Tensor) -> None:
        """Give every neuron its state, where there is none yet (the memories are numbers after a reset)."""
        for name in ("v", "rise", "rest"):
            value = getattr(self, name, None)
            if isinstance(value, float):
                setattr(self, name, torch.full_like(x.detach(), value))

    def _limit(self) -> Any:
        return self.v_threshold + self.rise if self.threshold_step else self.v_threshold

    def _per_channel(self, x: Tensor) -> Sequence[Tensor | float]:
        if len(self.taus_steps) == 1:
            tau = self.taus_steps[0]
            return 1.0 - 1.0 / tau, self.resistance / tau if self.leaks else self.resistance, self.v_rest / tau
        shape = (-1, *(1 for _ in x.shape[2:]))
        return [row.to(x).view(shape) for row in self.coefficients(x.shape[1])]


class IFNode(SpikingNode):
    """No leak: u[t] = u[t-1] + R I[t]."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(math.inf, **settings)


class LIFNode(SpikingNode):
    """Leaks to u_rest with tau_steps."""

    def __init__(self, tau_steps: float | Sequence[float] = 2.0, **settings: Any) -> None:
        super().__init__(tau_steps, **settings)


class AdaptiveLIFNode(SpikingNode):
    """Leaks, and its threshold rises by threshold_step with every spike and relaxes with threshold_tau_steps.

    Without the way back the threshold would only grow, and the neuron fall silent in a stream that does not end.
    """

    def __init__(
        self,
        tau_steps: float | Sequence[float] = 2.0,
        *,
        threshold_step: float = 0.2,
        threshold_tau_steps: float = 10.0,
        **settings: Any,
    ) -> None:
        super().__init__(tau_steps, threshold_step=threshold_step, threshold_tau_steps=threshold_tau_steps, **settings)
