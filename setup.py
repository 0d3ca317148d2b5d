"""Lists the packages; all metadata is in setup.cfg.

`find:` in setup.cfg cannot see the two packages whose folders lie beside kerasal/.
"""

from setuptools import find_packages, setup

setup(packages=[*find_packages(include=["kerasal", "kerasal.*"]), "kerasal.weights", "kerasal_cli"])
