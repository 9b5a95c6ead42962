"""Two real processes against one: the same gradients, the same decisions, nothing twice."""

import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from factories import MODELS, run_python, save_clip
from two_processes import N, Scenarios, pictures

from sknumclip.losses import fcrc_loss

HERE = Path(__file__).parent
SAME_TRAINING = [
    *("full", "weighted", "resnet", "partly frozen", "accumulated", "infonce", "pairs", "frozen"),
    *("classifier", "stopped early", "untouched", "one sample in the last batch"),
    "own augmentation",
]


@pytest.fixture(scope="module")
def reports(tmp_path_factory):
    """What two processes got, and what one process got on batches of the same size."""
    pytest.importorskip("accelerate")
    folder = tmp_path_factory.mktemp("distributed")
    for kind in ("clip", "resnet"):
        save_clip(folder / kind, MODELS[kind])
    command = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2", "--tee=3"]
    run_python(
        [*command, f"--log-dir={folder / 'logs'}", HERE / "two_processes.py", folder], timeout=300
    )
    shown = [next(folder.glob(f"logs/**/{rank}/stderr.log")).read_text() for rank in range(2)]
    both = [pickle.loads((folder / f"{rank}.pkl").read_bytes()) for rank in range(2)]
    n_threads = torch.get_num_threads()
    torch.set_num_threads(1)
    alone = Scenarios(folder).everything()
    torch.set_num_threads(n_threads)
    return both, alone, shown


@pytest.mark.parametrize("scenario", SAME_TRAINING)
def test_two_processes_train_as_one_does_on_batches_twice_the_size(reports, scenario):
    both, alone, _ = reports
    for report in both:
        got, expected = report[scenario], alone[scenario]
        assert got["gradients"].keys() == expected["gradients"].keys()
        # What is zero but for rounding, as the gradients of keys' biases are, has no digits.
        scale = max(np.abs(gradient).max() for gradient in expected["gradients"].values())
        for name, gradient in expected["gradients"].items():
            np.testing.assert_allclose(
                got["gradients"][name], gradient, rtol=1e-5, atol=1e-6 * scale, err_msg=name
            )
        for name, values in expected["history"].items():
            np.testing.assert_allclose(got["history"][name], values, rtol=1e-3, err_msg=name)
        np.testing.assert_allclose(got["predictions"], expected["predictions"], rtol=1e-3)


@pytest.mark.parametrize("scenario", [*SAME_TRAINING, "local", "any seed"])
def test_both_processes_end_with_the_same_bits(reports, scenario):
    (first, second), _, _ = reports
    assert first[scenario]["history"] == second[scenario]["history"]
    for name, weight in first[scenario]["weights"].items():
        np.testing.assert_array_equal(weight, second[scenario]["weights"][name])
    np.testing.assert_array_equal(first[scenario]["predictions"], second[scenario]["predictions"])


def test_early_stopping_stopped_early(reports):
    assert len(reports[0][0]["stopped early"]["history"]["train_loss"]) < 30


def test_an_odd_last_batch_loses_no_sample_and_counts_none_twice(reports):
    """With learning rates of 0 the absolute error of an epoch is that of the predictions."""
    both, _, _ = reports
    y = pictures()[1]
    for report in both:
        error = np.abs(report["untouched"]["predictions"] - y).mean()
        assert report["untouched"]["history"]["train_mae"] == pytest.approx([error] * 2)


def test_without_gathering_each_process_compares_its_own_images(reports, tmp_path):
    both, _, _ = reports
    save_clip(tmp_path / "clip", MODELS["clip"])
    X, y = pictures()
    reg = Scenarios(tmp_path).make(max_epochs=0, verbose=0).fit(X, y)
    logits, y = torch.tensor(reg._outputs(X)[1]), torch.tensor(y)
    bin_index = torch.tensor(reg.bins_.assign(y.numpy()))
    seed = np.random.RandomState(0).randint(2**31 - 1)
    order = np.random.default_rng(seed + 1).permutation(N)  # of the first epoch
    loss = 0
    for batch in (order[:32], order[32:]):
        for own in (batch[0::2], batch[1::2]):
            loss += len(own) * fcrc_loss(
                logits[own], bin_index[own], y[own], label_range=100, beta=reg.beta
            )
    for report in both:
        losses = report["local"]["history"]["train_ranking_loss"]
        assert losses[0] == pytest.approx(loss.item() / N, rel=1e-5)
        assert losses[0] != pytest.approx(report["untouched"]["history"]["train_ranking_loss"][0])


def test_a_fit_that_broke_off_goes_on_from_one_checkpoint(reports):
    for report in reports[0]:
        assert report["resumed"]["files"] == 1
        np.testing.assert_array_equal(report["resumed"]["resumed"], report["resumed"]["whole"])


@pytest.mark.parametrize("fine_tune", ["full", "none"])
def test_each_file_is_read_once_by_one_of_the_processes(reports, fine_tune):
    both, alone, _ = reports
    found, expected = [report["files"][fine_tune] for report in both], alone["files"][fine_tune]
    # Before fine-tuning, the embeddings ask once more for the two files that cannot be read.
    n_more = 1 if fine_tune == "full" else 0
    assert [f["read by fit"] for f in found] == [23 + n_more, 22 + n_more]
    assert [f["kept"] for f in found] == [(N - 2) * (1 + 2 * n_more)] * 2  # of both sides
    for f in found:
        assert f["skipped"] == expected["skipped"]
        assert np.flatnonzero(np.isnan(f["predictions"])).tolist() == [7, 8]
        np.testing.assert_allclose(f["predictions"], expected["predictions"], rtol=1e-3)
    # Each predicts its part; embeddings are in the folder by then, but for what cannot be read.
    n_read = [23, 22] if fine_tune == "full" else [1, 1]
    assert [f["read by predict"] for f in found] == n_read


def test_errors_reach_all_processes(reports):
    for report in reports[0]:
        *unreadable, labels, images = report["errors"]
        assert unreadable == [["7.png", "8.png"]] * 2
        assert "Labels differ between the 2 processes" in labels
        assert "Numbers of images differ between the 2 processes" in images


def test_progress_is_shown_once(reports):
    shown = reports[2]
    assert "training: 100%" in shown[0]
    assert "training:" not in shown[1]
    assert "reading:" not in shown[1]


def test_one_image_is_predicted_by_all(reports):
    both, alone, _ = reports
    for report in both:
        scenario = "fewer images than processes"
        np.testing.assert_allclose(report[scenario], alone[scenario], rtol=1e-5)
