"""The aedat4 file format of iniVation's DV: written, read and repaired with NumPy alone. Knows no camera and no take."""

from recorder.aedat4.errors import Aedat4Error, DiskFullError
from recorder.aedat4.layout import Compression
from recorder.aedat4.reader import Aedat4File, AedatFrame, StreamMeta
from recorder.aedat4.salvage import SalvageReport, salvage, salvage_copy
from recorder.aedat4.writer import Aedat4Writer, exclusive_open

__all__ = [
    "Aedat4Error",
    "Aedat4File",
    "Aedat4Writer",
    "AedatFrame",
    "Compression",
    "DiskFullError",
    "SalvageReport",
    "StreamMeta",
    "exclusive_open",
    "salvage",
    "salvage_copy",
]
