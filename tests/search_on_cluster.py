"""What test_cluster_search.py runs: one grid search, alone and on the workers of dask or ray.

``python search_on_cluster.py FOLDER {dask,ray} {paths,arrays} {live,kill}``
"""

import contextlib
import json
import os
import signal
import sys
import threading
import time
from pathlib import Path

import joblib
import numpy as np
import torch
from PIL import Image
from sklearn.model_selection import GridSearchCV

from sknumclip import NumCLIPRegressor
from sknumclip.machine.device import worker_kind

N = 150  # so that y is more than the kilobyte above which joblib's dask backend sends it apart


def pictures(folder):
    X = np.random.default_rng(0).integers(0, 256, size=(N, 24, 24, 3), dtype=np.uint8)
    paths = [str(folder / f"{i}.png") for i in range(N)]
    for path, image in zip(paths, X, strict=True):
        Image.fromarray(image).save(path)
    return X, paths, np.random.default_rng(1).uniform(0, 100, N)


@contextlib.contextmanager
def dask(X, y, kill):
    from distributed import Client, LocalCluster

    with (
        LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster,
        Client(cluster) as client,
    ):
        assert set(client.run(worker_kind).values()) == {"dask"}
        if kill:
            threading.Thread(target=kill_a_busy_worker, args=[client], daemon=True).start()
        with joblib.parallel_config(backend="dask", scatter=[X, y]):
            yield


def kill_a_busy_worker(client):
    pids = client.run(os.getpid)
    while True:
        if busy := [worker for worker, tasks in client.processing().items() if tasks]:
            time.sleep(0.5)  # amid a fit
            print("killed", pids[busy[0]])
            os.kill(pids[busy[0]], signal.SIGKILL)
            return
        time.sleep(0.05)


@contextlib.contextmanager
def ray(X, y, kill):
    import ray
    from ray.util.joblib import register_ray

    ray.init(num_cpus=2, include_dashboard=False, configure_logging=False)
    assert ray.get(ray.remote(worker_kind).remote()) == "ray"
    register_ray()
    with joblib.parallel_config(backend="ray"):
        yield
    ray.shutdown()


def scores(X, y, folder):
    reg = NumCLIPRegressor(
        3,
        model_name="tiny",
        fine_tune="none",
        max_epochs=5,
        image_cache=folder,
        random_state=0,
        verbose=0,
    )
    search = GridSearchCV(
        reg, {"beta": [0, 4], "bins": [2, 3]}, scoring="neg_mean_absolute_error", cv=3
    )
    return search.fit(X, y).cv_results_["mean_test_score"].tolist()


if __name__ == "__main__":
    torch.set_num_threads(1)
    folder, engine, kind, fate = Path(sys.argv[1]), *sys.argv[2:]
    arrays, paths, y = pictures(folder)
    X = paths if kind == "paths" else arrays
    with {"dask": dask, "ray": ray}[engine](X, y, fate == "kill"):
        found = scores(X, y, folder / "cache")
    n_kept = len(list((folder / "cache").rglob("*.embedding")))
    print(json.dumps({"found": found, "alone": scores(X, y, folder / "own"), "kept": n_kept}))
