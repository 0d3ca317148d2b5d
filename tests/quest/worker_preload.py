"""What Dask's workers load in the tests: the model "tiny"."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from conftest import add_tiny_network

add_tiny_network()
