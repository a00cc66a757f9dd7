"""`glimpse doctor`: what a bug report needs, and nothing that names a person."""

import os
import platform
import sys
from importlib.metadata import distributions

import click
import psutil

from app.cli import program_version
from app.logs import log_path, tail
from app.output import print_json
from app.settings import load_settings, settings_path
from recorder.host import free_bytes
from recorder.runtime import runtime_root

PACKAGES = (
    "PySide6",
    "pyqtgraph",
    "numba",
    "numpy",
    "dv_processing",
    "dv-processing",
    "opencv-python",
    "av",
    "lz4",
    "zstandard",
    "pydantic",
    "h5py",
)


def examine() -> dict[str, object]:
    """Versions, machine, cameras, runtime folders. Never raises for want of hardware."""
    from recorder.sources.discovery import discover

    found = discover()
    root = runtime_root()
    versions = {name: one.version for one in distributions() if (name := one.metadata["Name"]) in PACKAGES}
    return {
        "glimpse": program_version(),
        "python": sys.version.split()[0],
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "cores": os.cpu_count(),
        "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
        "packages": dict(sorted(versions.items())),
        "runtime": str(root),
        "runtime_free_mb": free_bytes(root) // 10**6,
        "capture_processes": sorted(path.name for path in root.iterdir()),
        "cameras": [{"spec": camera.spec, "name": camera.name, "detail": camera.detail} for camera in found.cameras],
        "hint": found.hint,
        "settings": str(settings_path()),
        "settings_problems": list(load_settings(settings_path())[1]),
        "display": os.environ.get("WAYLAND_DISPLAY") or os.environ.get("DISPLAY"),
        "log": str(log_path()),
        "log_tail": tail(),
    }


@click.command(epilog="Example: glimpse doctor --json > report.json")
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
def doctor(as_json: bool) -> int:
    """Print everything that a bug report needs: versions, machine, cameras, preferences, the end of the log."""
    report = examine()
    if as_json:
        print_json(report)
        return 0
    for key, value in report.items():
        click.echo(f"{key:18} {value}" if key != "log_tail" else "log_tail\n  " + "\n  ".join(tail()))
    return 0
