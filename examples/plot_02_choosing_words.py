"""
Choosing words
==============

You can describe the ranges of the label in any words, but CLIP must know the words and their order.
Both can be checked before training. Offline, in seconds::

    python examples/plot_02_choosing_words.py
"""

from itertools import pairwise

import matplotlib.pyplot as plt
from sklearn.metrics import mean_absolute_error

from sknumclip import NumCLIPRegressor
from sknumclip.baselines import ZeroShotCLIPRegressor
from sknumclip.datasets import make_counting_images
from sknumclip.plotting import BinProbabilityDisplay, PromptSimilarityDisplay

# %%
# Candidates
# ----------
# The same five ranges, described by words for amounts, by grades, and by their midpoints in digits.

X, y = make_counting_images(600, random_state=0)
X_train, X_test, y_train, y_test = X[:300], X[300:], y[:300], y[300:]

edges = [1, 6, 16, 40, 70, 101]
candidates = {
    "amounts": ["a few", "several", "many", "dozens of", "countless"],
    "grades": ["grade E", "grade D", "grade C", "grade B", "grade A"],
    "digits": ["3", "11", "28", "55", "85"],
}
bins = {name: dict(zip(words, pairwise(edges), strict=True)) for name, words in candidates.items()}
shared = dict(template="a picture of {} shapes.", model_name="tiny", canvas_scale=1, verbose=0)

# %%
# Does CLIP know the words?
# -------------------------
# :class:`~sknumclip.baselines.ZeroShotCLIPRegressor` is CLIP without training: if its error is
# small, the words fit the images.

zero_shot = {
    name: ZeroShotCLIPRegressor(value, **shared).fit(X_train, y_train)
    for name, value in bins.items()
}
for name, reg in zero_shot.items():
    print(f"{name}: mean absolute error {mean_absolute_error(y_test, reg.predict(X_test)):.1f}")

# %%
# Does it know their order?
# -------------------------
# If so, similarities decrease with the distance from the diagonal. This figure needs only text. The
# score is the rank correlation between the distances of texts and of bin centers.

fig, axes = plt.subplots(1, 3, figsize=(14, 4.6), layout="constrained")
for ax, (name, reg) in zip(axes, zero_shot.items(), strict=True):
    display = PromptSimilarityDisplay.from_estimator(
        reg, ax=ax, im_kwargs={"vmin": -0.3}, colorbar=name == "digits"
    )
    ax.set_title(f"{name}: {ax.get_title()}")

# %%
# Single images
# -------------
# With digits, the most probable bin can be far from other probable bins.

BinProbabilityDisplay.from_estimator(zero_shot["amounts"], X_test[:4], y_test[:4])
BinProbabilityDisplay.from_estimator(zero_shot["digits"], X_test[:4], y_test[:4])

# %%
# Do words still matter after training?
# -------------------------------------
# Training with a frozen image tower improves all of them, but good words stay ahead.

for name, value in bins.items():
    reg = NumCLIPRegressor(value, fine_tune="none", random_state=0, **shared)
    error = mean_absolute_error(y_test, reg.fit(X_train, y_train).predict(X_test))
    print(f"{name}: mean absolute error {error:.1f} after training")

plt.show()
