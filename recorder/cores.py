"""How many threads numerical libraries start by themselves. To be called before NumPy is imported; knows no computation."""

from collections.abc import MutableMapping

# https://github.com/OpenMathLib/OpenBLAS#setting-the-number-of-threads-using-environment-variables
VARIABLE = "OPENBLAS_NUM_THREADS"


def one_thread(environment: MutableMapping[str, str]) -> None:
    """Have NumPy's OpenBLAS compute in the thread that asks it, unless the user has set another number.

    Matrices are small here, so its threads mostly wait for each other, spinning: on two cores the search for movements took
    2 to 3 times the processor time with them, and that of the cameras. OpenCV, Numba and PyTorch have settings of their own
    and keep their threads.
    """
    environment.setdefault(VARIABLE, "1")
