"""Linear algebra on one thread.

The matrices are small, and on a busy machine BLAS threads wait for each other: GBVS took seconds, not a tenth
of one.
"""

import scipy.linalg.blas  # noqa: F401  loads its BLAS, so that the controller below finds it
from threadpoolctl import ThreadpoolController

one_blas_thread = ThreadpoolController().wrap(limits=1, user_api="blas")
