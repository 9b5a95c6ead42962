"""Baselines by kind, and labels for the fixture `pixels`."""

import numpy as np

from sknumclip.baselines import (
    CoOpRegressor,
    ImageHeadRegressor,
    L2RCLIPRegressor,
    OrdinalCLIPRegressor,
)

PROMPTED = (CoOpRegressor, OrdinalCLIPRegressor, L2RCLIPRegressor)
TRAINED = (*PROMPTED, ImageHeadRegressor)

Y = np.array([3.0, 4, 4, 5, 6, 7, 8, 8])
