"""Baselines: estimators to compare NumCLIP with, with the same images, training and parameters.

- :class:`ZeroShotCLIPRegressor`: CLIP without training
- :class:`CoOpRegressor`, :class:`OrdinalCLIPRegressor`, :class:`L2RCLIPRegressor`: learned prompts
  with numbers
- :class:`ImageHeadRegressor`: a linear layer on the image tower, with one of several losses
"""

from ._head import ImageHeadRegressor
from ._prompted import CoOpRegressor, L2RCLIPRegressor, OrdinalCLIPRegressor
from ._zero_shot import ZeroShotCLIPRegressor

__all__ = [
    "CoOpRegressor",
    "ImageHeadRegressor",
    "L2RCLIPRegressor",
    "OrdinalCLIPRegressor",
    "ZeroShotCLIPRegressor",
]
