"""The blur is scipy's, whatever the size of the picture."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from ml.smoothing import blurred


@pytest.mark.parametrize("shape", [(8, 8), (112, 97), (30, 160), (1, 5)])
@pytest.mark.parametrize("sigma", [1.0, 12.0, 24.0])
def test_the_blur_is_scipys(shape: tuple[int, int], sigma: float) -> None:
    """A kernel may be wider than the picture, which then goes on in several mirrors."""
    picture = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    found = blurred(picture, sigma)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, gaussian_filter(picture, sigma), rtol=1e-6, atol=1e-7)
