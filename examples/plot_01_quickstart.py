"""
Quickstart: how many shapes?
============================

Predict a number from an image with one ``fit`` and one ``predict``. Images and model are included
in the package, so this runs offline, in less than a minute on two cores::

    python examples/plot_01_quickstart.py
"""

import matplotlib.pyplot as plt
from sklearn.metrics import mean_absolute_error
from sklearn.model_selection import train_test_split

from sknumclip import NumCLIPRegressor
from sknumclip.datasets import make_counting_images

# %%
# Images and their labels
# -----------------------
# X may also be a list of file names, a pandas column of them, or PIL images.

X, y = make_counting_images(1000, random_state=0)
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=300, random_state=0)

# %%
# Describe the ranges of the label in words
# -----------------------------------------
# CLIP has read "dozens of" far more often than "55". With your own images, leave out
# ``model_name`` to get a real CLIP, and ``canvas_scale``: only here must the model see the whole
# image, or it would miss shapes.

bins = {
    "a few": (1, 6),
    "several": (6, 16),
    "many": (16, 40),
    "dozens of": (40, 70),
    "countless": (70, 101),
}
reg = NumCLIPRegressor(
    bins, template="a picture of {} shapes.", model_name="tiny", canvas_scale=1, random_state=0
)

# %%
# Before and after training
# -------------------------
# With 0 epochs the model is zero-shot CLIP: bin centers weighted by how well their descriptions fit
# the image.

zero_shot = reg.set_params(max_epochs=0).fit(X_train, y_train).predict(X_test)
reg.set_params(max_epochs=8, lr=1e-4).fit(X_train, y_train)
fitted = reg.predict(X_test)
print(f"mean absolute error on {len(y_test)} held-out images")
print(f"  zero-shot: {mean_absolute_error(y_test, zero_shot):.2f}")
print(f"  fitted:    {mean_absolute_error(y_test, fitted):.2f}")

# %%
# Explain predictions
# -------------------

shown = X_test[:4]
print(reg.explain(shown).round(2))

# %%
# Figure
# ------

fig = plt.figure(figsize=(11, 5.5), layout="constrained")
left, right = fig.subfigures(1, 2, width_ratios=[1, 1.25])

ax = left.subplots()
ax.plot([0, 100], [0, 100], color="0.7", linewidth=1, zorder=0)
for edge in list(reg.bins_.edges)[1:-1]:
    ax.axhline(edge, color="0.9", linewidth=1, zorder=0)
ax.scatter(y_test, zero_shot, s=12, color="tab:orange", alpha=0.6, label="zero-shot")
ax.scatter(y_test, fitted, s=12, color="tab:blue", alpha=0.6, label="fitted")
ax.set(xlabel="true count", ylabel="predicted count", title="300 held-out images")
ax.set_aspect("equal")
ax.legend()

for (image_ax, bar_ax), image, proba, y_true, (_, row) in zip(
    right.subplots(len(shown), 2, width_ratios=[1, 3]),
    shown,
    reg.predict_bin_proba(shown),
    y_test,
    reg.explain(shown).iterrows(),
    strict=False,
):
    image_ax.imshow(image)
    image_ax.axis("off")
    bar_ax.barh(reg.bins_.descriptions, proba, color="tab:blue")
    bar_ax.set_xlim(0, 1)
    bar_ax.invert_yaxis()
    bar_ax.spines[["top", "right"]].set_visible(False)
    bar_ax.set_title(f"{row['prediction']:.1f} (true: {y_true})", fontsize=10)
bar_ax.set_xlabel("probability of the bin")

fig.savefig("quickstart.png", dpi=120)
print("wrote quickstart.png")
