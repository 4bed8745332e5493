"""Makes the fakes of tests/search importable by one name, here and in worker processes."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "search"))
