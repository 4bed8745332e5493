"""Makes the helpers of this folder, and the hosts of tests/end_to_end, importable here."""

import pathlib
import sys

_FOLDER = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(_FOLDER), str(_FOLDER.parent / "end_to_end")]
