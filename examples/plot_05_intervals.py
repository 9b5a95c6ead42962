"""
Prediction intervals
====================

There are two measures of uncertainty: the standard deviation of a prediction, and intervals that
MAPIE calibrates on held-out images. How many of the true labels do they cover? Runs offline, in
less than a minute on two cores; needs ``pip install mapie``::

    python examples/plot_05_intervals.py
"""

import matplotlib.pyplot as plt
import numpy as np
from mapie.regression import SplitConformalRegressor
from scipy.stats import norm

from sknumclip import NumCLIPRegressor
from sknumclip.datasets import make_counting_images

# %%
# Three sets of images
# --------------------
# One for training, one for calibration, one for testing. MAPIE also takes arrays and pandas columns
# of file names, but not lists.

X, y = make_counting_images(2000, random_state=0)
train, calibration, test = np.split(np.arange(len(y)), [500, 1000])

bins = {
    "a few": (1, 6),
    "several": (6, 16),
    "many": (16, 40),
    "dozens of": (40, 70),
    "countless": (70, 101),
}
reg = NumCLIPRegressor(
    bins,
    template="a picture of {} shapes.",
    model_name="tiny",
    canvas_scale=1,
    fine_tune="none",
    random_state=0,
    verbose=0,
)
reg.fit(X[train], y[train])

# %%
# Coverage of the intervals
# -------------------------
# Conformal intervals cover 90 % of the true labels for any model, if the images are like those for
# calibration. They are equally wide for certain and uncertain predictions. The standard deviation
# distinguishes them, but its size has no guarantee. After a solved fit, as here, it is scaled by
# out-of-fold errors; after a fit in epochs it is often too large.

levels = [0.8, 0.9]
conformal = SplitConformalRegressor(reg, confidence_level=levels, prefit=True)
conformal.conformalize(X[calibration], y[calibration])
_, intervals = conformal.predict_interval(X[test])  # (n_samples, 2, n_levels)
y_pred, y_std = reg.predict(X[test], return_std=True)
y_test = y[test]

coverage = {"conformal": [], "± z · std": []}
for k, level in enumerate(levels):
    reach = norm.ppf((1 + level) / 2) * y_std
    for name, low, high in (
        ("conformal", intervals[:, 0, k], intervals[:, 1, k]),
        ("± z · std", y_pred - reach, y_pred + reach),
    ):
        held = ((low <= y_test) & (y_test <= high)).mean()
        coverage[name].append(held)
        print(f"{level:.0%} {name:10}: covers {held:.1%}, mean width {(high - low).mean():.1f}")

# %%
# Figure
# ------

fig, (left, right) = plt.subplots(1, 2, figsize=(11, 4.6), layout="constrained")
some = np.sort(np.random.default_rng(0).choice(len(y_test), 60, replace=False))
some = some[np.argsort(y_pred[some])]
low, high = intervals[some, :, 1].T
places = np.arange(len(some))
left.fill_between(places, low, high, color="tab:blue", alpha=0.2, label="90 %, conformal")
reach = norm.ppf(0.95) * y_std[some]
left.errorbar(places, y_pred[some], reach, fmt="none", color="tab:orange", label="90 %, std")
left.scatter(places, y_test[some], s=14, color="black", zorder=3, label="true count")
left.set(xlabel="60 held-out images, by prediction", ylabel="count")
left.legend(loc="upper left")

for offset, (name, held) in zip((-0.17, 0.17), coverage.items(), strict=True):
    color = "tab:blue" if name == "conformal" else "tab:orange"
    bars = right.bar(np.arange(2) + offset, held, width=0.3, color=color, alpha=0.7, label=name)
    right.bar_label(bars, [f"{share:.1%}" for share in held], label_type="center")
right.hlines(levels, [-0.45, 0.55], [0.45, 1.45], color="black", label="nominal")
right.set(xticks=[0, 1], xticklabels=["80 % intervals", "90 % intervals"], ylim=(0, 1.25))
right.set_ylabel(f"coverage of {len(y_test)} images")
right.legend(loc="upper center", ncols=3)

fig.savefig("intervals.png", dpi=120)
print("wrote intervals.png")
