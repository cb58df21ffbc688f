"""Explanations do not ask how a trace was computed."""

import numpy as np
from helpers import small_input, small_network

from numcam.explain import METHODS, grad_cam, ledger


def test_a_trace_of_the_fast_engine_is_explained_alike():
    """To float32's rounding, on a picture without ties."""
    network, x = small_network(dtype=np.float32), small_input(n=2, dtype=np.float32)
    plain, fast = (network.forward(x, engine=engine) for engine in ("plain", "fast"))
    for name, method in METHODS.items():
        expected = method(plain, 1)
        np.testing.assert_allclose(method(fast, 1), expected, atol=1e-4 * np.abs(expected).max(), err_msg=name)
    np.testing.assert_allclose(grad_cam(fast, "all"), grad_cam(plain, "all"), atol=1e-5)
    np.testing.assert_allclose(ledger(fast, 1).total, ledger(plain, 1).total, atol=1e-4)
