"""Which versions shaped a file. Apart from what writes takes, since looking at them must not wait for its libraries."""

import importlib.metadata
import platform

DISTRIBUTIONS = {
    "glimpse": "glimpse-davis",
    "dv-processing": "dv-processing",
    "opencv": "opencv-python",
    "av": "av",
    "numpy": "numpy",
}


def software() -> dict[str, str]:
    """Versions of whatever shaped the files."""
    versions = {name: importlib.metadata.version(package) for name, package in DISTRIBUTIONS.items()}
    return {**versions, "python": platform.python_version(), "system": f"{platform.system()} {platform.release()}"}
