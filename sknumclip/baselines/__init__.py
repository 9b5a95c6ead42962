"""What NumCLIP is compared with, as estimators with the same images, training and parameters.

- :class:`ZeroShotCLIPRegressor`: CLIP as it is
- :class:`CoOpRegressor`, :class:`OrdinalCLIPRegressor`, :class:`L2RCLIPRegressor`: prompts around
  numbers, learned
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
