"""Makes the short sounds of the recording script; run python docs/pictures/make_sounds.py.

Sine tones with soft edges, so that nothing clicks; 44.1 kHz, 16 bit, mono.
"""

import wave
from pathlib import Path

import numpy as np

RATE = 44_100
EDGE_S = 0.01
LEVEL = 0.35
# name: (frequency in Hz, seconds) one after the other
SOUNDS = {"tick": ((880.0, 0.06),), "cue": ((660.0, 0.09), (990.0, 0.16)), "stop": ((660.0, 0.09), (440.0, 0.2))}
FOLDER = Path(__file__).parents[2] / "assets" / "sounds"


def tone(frequency_hz: float, seconds: float) -> np.ndarray:
    """Samples int16 [n] of one tone."""
    t = np.arange(round(seconds * RATE)) / RATE
    edges = np.clip(np.minimum(t, seconds - t) / EDGE_S, 0, 1)
    return (np.sin(2 * np.pi * frequency_hz * t) * edges * LEVEL * 32_767).astype("<i2")


def main() -> None:
    """Write every sound."""
    FOLDER.mkdir(exist_ok=True)
    for name, tones in SOUNDS.items():
        with wave.open(str(FOLDER / f"{name}.wav"), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(RATE)
            file.writeframes(np.concatenate([tone(*one) for one in tones]).tobytes())


if __name__ == "__main__":
    main()
