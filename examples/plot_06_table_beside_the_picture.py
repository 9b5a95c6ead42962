"""
Images together with a table
============================

Often a table has information that the images do not show. Here the images show boxes of pieces to
count, and the value of a box also depends on the price of its pieces, which follows from the table.
Images and columns of one DataFrame go through one scikit-learn pipeline, which beats the images
alone and the table alone. Offline, in less than a minute::

    python examples/plot_06_table_beside_the_picture.py
"""

import tempfile

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import sklearn
from PIL import Image
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingRegressor, StackingRegressor
from sklearn.linear_model import RidgeCV
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from sknumclip import CLIPEmbedder, NumCLIPRegressor
from sknumclip.datasets import make_counting_images

# %%
# A table with a column of images
# -------------------------------

folder = tempfile.TemporaryDirectory()
X, count = make_counting_images(700, high=60, random_state=0)
rng = np.random.default_rng(0)
table = pd.DataFrame({"path": [f"{folder.name}/{i}.png" for i in range(len(X))]})
for path, image in zip(table["path"], X, strict=True):
    Image.fromarray(image).save(path)
table["material"] = rng.choice(["wood", "glass", "silver"], len(X))
table["age"] = rng.integers(0, 20, len(X))
price = table["material"].map({"wood": 1.0, "glass": 2.0, "silver": 4.0}) * (1 + table["age"] / 20)
value = count * price + rng.normal(0, 2, len(X))
weight = 1 / price**2  # so that errors are relative to the price
parts = train_test_split(table, value, weight, test_size=250, random_state=0)
table_train, table_test, value_train, value_test, weight_train, weight_test = parts
table_train.head()

# %%
# Images alone, table alone
# -------------------------
# A ``ColumnTransformer`` passes each model its columns; with ``set_output`` they stay a DataFrame.

short_names = dict(verbose_feature_names_out=False)
image_column = make_column_transformer(("passthrough", ["path"]), **short_names)
table_columns = make_column_transformer(
    (OneHotEncoder(sparse_output=False), ["material"]), ("passthrough", ["age"]), **short_names
).set_output(transform="pandas")
sklearn.set_config(enable_metadata_routing=True)  # for the weights

tiny = dict(model_name="tiny", canvas_scale=1, verbose=0)
reg = NumCLIPRegressor(5, fine_tune="none", max_epochs=40, random_state=0, **tiny)
reg.set_fit_request(sample_weight=True)
trees = HistGradientBoostingRegressor(max_iter=50, random_state=0)
trees.set_fit_request(sample_weight=True)
image_alone = make_pipeline(image_column, reg)
table_alone = make_pipeline(table_columns, trees)

# %%
# Both, by stacking
# -----------------
# Each of the two is fitted on folds, and other trees learn the value from their out-of-fold
# predictions. Predictions on training images would look too good, and the trees would rely on them
# too much.

stack = StackingRegressor(
    [("image", image_alone), ("table", table_alone)],
    final_estimator=trees,
    cv=5,
)

# %%
# Both, as one table of features
# ------------------------------
# Embeddings and columns, each with a name, for a linear model. It adds up the effects of the image
# and the material, but cannot multiply them.

features = make_column_transformer(
    (CLIPEmbedder(**tiny), ["path"]),
    (OneHotEncoder(sparse_output=False), ["material"]),
    ("passthrough", ["age"]),
).set_output(transform="pandas")
print(features.fit_transform(table_train).columns[[0, 1, -4, -1]].tolist())
ridge = RidgeCV(np.logspace(-3, 3, 13)).set_fit_request(sample_weight=True)
linear = make_pipeline(features, ridge)

# %%
# Comparison
# ----------

models = {
    "images alone": image_alone,
    "table alone": table_alone,
    "both, as features": linear,
    "both, stacked": stack,
}
errors = {}
for name, model in models.items():
    model.fit(table_train, value_train, sample_weight=weight_train)
    off = np.abs(model.predict(table_test) - value_test)
    errors[name] = np.average(off, weights=weight_test)
    print(f"{name}: off by {errors[name]:.1f}")

_, ax = plt.subplots(figsize=(6, 2.5), layout="constrained")
ax.barh(list(errors), list(errors.values()))
ax.invert_yaxis()
ax.set_xlabel("mean absolute error, weighted")
folder.cleanup()
plt.show()
