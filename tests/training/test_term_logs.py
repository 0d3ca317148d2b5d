"""The terms of a combined loss in what a training leaves behind."""

import pytest

from kerasal import data, training


@pytest.mark.ci
@pytest.mark.usefixtures("tiny_network")
def test_each_term_of_the_loss_is_in_the_history_and_in_tensorboard(photo_folder, tmp_path):
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    options = training.options(
        model="tiny", input_size=(32, 48), epochs=1, batch_size=4, loss="kld+0.5*cc+mse"
    )
    run = training.train(data.load(str(photo_folder)), options, tmp_path / "run", verbose=0)
    terms = {"kld_loss", "cc_loss", "mse_loss"}
    (epoch,) = run.history
    assert terms | {f"val_{term}" for term in terms} <= set(epoch)
    total = 10 * epoch["val_kld_loss"] + 0.5 * epoch["val_cc_loss"] + epoch["val_mse_loss"]
    assert epoch["val_loss"] == pytest.approx(total, rel=1e-4)
    for split in ("train", "validation"):
        events = accumulator.EventAccumulator(str(run.path / "tensorboard" / split))
        events.Reload()
        assert {f"epoch_{term}" for term in terms} <= set(events.Tags()["tensors"]), split
