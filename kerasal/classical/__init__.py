"""Classical saliency models: functions from an image to a map, without learning and without Keras.

`CLASSICAL` holds name, year, source and what is exact of each as data.
"""

from kerasal.classical.aws import aws
from kerasal.classical.gbvs import gbvs
from kerasal.classical.itti import itti
from kerasal.classical.itti_1998 import itti_1998
from kerasal.classical.itti_gbvs_toolbox import itti_gbvs_toolbox
from kerasal.classical.itti_saliency_toolbox import itti_saliency_toolbox
from kerasal.classical.parallel import saliency_maps
from kerasal.classical.rare2012 import rare2012
from kerasal.classical.table import CLASSICAL, ClassicalModel, classical_model, is_classical

__all__ = [
    "CLASSICAL",
    "ClassicalModel",
    "aws",
    "classical_model",
    "gbvs",
    "is_classical",
    "itti",
    "itti_1998",
    "itti_gbvs_toolbox",
    "itti_saliency_toolbox",
    "rare2012",
    "saliency_maps",
]
