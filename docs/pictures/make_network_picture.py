"""The picture of docs/methods/network.md: four neurons on the same input, with potential, threshold and spikes.

python docs/pictures/make_network_picture.py [--out docs/pictures/network.png]
"""

import argparse
from pathlib import Path

import numpy as np

from models.architecture import NeuronConfig
from models.membrane import picture

TAU = (20.0,)  # ms, one step a millisecond: a usual time constant of a membrane
NEURONS = {
    "integrate and fire": NeuronConfig(kind="if", resistance=0.05),
    "leaky": NeuronConfig(tau_steps=TAU),
    "leaky, reset below rest, 6 ms refractory": NeuronConfig(tau_steps=TAU, reset=-0.5, refractory_steps=6),
    "leaky, threshold rises by 0.25 and relaxes with 80 ms": NeuronConfig(
        kind="adaptive", tau_steps=TAU, threshold_step=0.25, threshold_tau_steps=80.0
    ),
}


def main() -> None:
    """Draw and save."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path(__file__).with_name("network.png"))
    asked = parser.parse_args()
    current = np.concatenate([np.zeros(20), np.full(180, 2.5), np.zeros(40), np.full(100, 0.9), np.full(60, 1.2)])
    figure = picture(NEURONS, current)
    figure.savefig(asked.out, dpi=110)


if __name__ == "__main__":
    main()
