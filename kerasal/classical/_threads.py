"""Linear algebra on one thread: its matrices are small, and BLAS threads wait for each other on a busy machine."""

import scipy.linalg.blas  # noqa: F401  loads its BLAS, so that the controller below finds it
from threadpoolctl import ThreadpoolController

one_blas_thread = ThreadpoolController().wrap(limits=1, user_api="blas")
