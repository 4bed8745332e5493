"""Makes `small_networks` importable by one name, here and in other processes."""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
