"""Foreign checkpoints: their arrays are read, and nothing in them is run."""

import pickle
import struct
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

from ml.checkpoints import LEGACY_MAGIC, CheckpointError, keras_arrays, numpy_pickle, torch_state


class Payload:
    """Pickles as a call of ``open(path, "w")``."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[str, str]]:
        return open, (str(self.path), "w")


@pytest.mark.parametrize("form", ["zip", "legacy"])
def test_both_formats_of_pytorch_are_read(golden: Path, form: str) -> None:
    state = torch_state(golden / f"tiny_{form}.pth")
    assert {name: tensor.shape for name, tensor in state.items()} == {
        "0.weight": (2, 1, 3, 3),
        "0.bias": (2,),
        "1.weight": (3, 4),
        "1.bias": (3,),
    }
    np.testing.assert_array_equal(state["0.weight"].ravel(), np.arange(18))
    np.testing.assert_array_equal(state["1.bias"], [300, 301, 302])


def test_arrays_in_a_pickle_are_read() -> None:
    read = numpy_pickle(pickle.dumps({"kernel": np.arange(6.0).reshape(2, 3)}))
    np.testing.assert_array_equal(read["kernel"], [[0, 1, 2], [3, 4, 5]])


def test_a_pickle_runs_nothing(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="open"):
        numpy_pickle(pickle.dumps(Payload(tmp_path / "harm")))
    assert not (tmp_path / "harm").exists()


def test_a_zip_checkpoint_runs_nothing(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "harm.pth", "w") as archive:
        archive.writestr("archive/data.pkl", pickle.dumps(Payload(tmp_path / "harm")))
    with pytest.raises(CheckpointError, match="open"):
        torch_state(tmp_path / "harm.pth")
    assert not (tmp_path / "harm").exists()


def test_a_legacy_checkpoint_runs_nothing(tmp_path: Path) -> None:
    parts = [LEGACY_MAGIC, 1001, {}, Payload(tmp_path / "harm"), []]
    (tmp_path / "harm.pth").write_bytes(b"".join(pickle.dumps(part, 2) for part in parts))
    with pytest.raises(CheckpointError, match="open"):
        torch_state(tmp_path / "harm.pth")
    assert not (tmp_path / "harm").exists()


@pytest.mark.parametrize("form", ["zip", "legacy"])
def test_a_truncated_checkpoint_is_an_error(golden: Path, tmp_path: Path, form: str) -> None:
    whole = (golden / f"tiny_{form}.pth").read_bytes()
    for length in (0, 10, len(whole) // 2, len(whole) - 4):
        (tmp_path / "cut.pth").write_bytes(whole[:length])
        with pytest.raises(CheckpointError, match="not a PyTorch state dict"):
            torch_state(tmp_path / "cut.pth")


def test_a_tensor_larger_than_its_file_is_an_error(golden: Path, tmp_path: Path) -> None:
    whole = (golden / "tiny_legacy.pth").read_bytes()
    claimed = whole.replace(b"K\x12", b"J" + struct.pack("<i", 2**30), 1)
    assert claimed != whole
    (tmp_path / "huge.pth").write_bytes(claimed)
    with pytest.raises(CheckpointError, match="larger than the file"):
        torch_state(tmp_path / "huge.pth")


def test_keras_arrays_are_named_by_layer(tmp_path: Path) -> None:
    import h5py

    with h5py.File(tmp_path / "keras.h5", "w") as file:
        file["block1_conv1/block1_conv1_W_1:0"] = np.ones((3, 3, 3, 64), np.float32)
        file["block1_conv1/block1_conv1_b_1:0"] = np.zeros(64, np.float32)
    arrays = keras_arrays(tmp_path / "keras.h5")
    assert {name: array.shape for name, array in arrays.items()} == {
        "block1_conv1/kernel": (3, 3, 3, 64),
        "block1_conv1/bias": (64,),
    }


def test_a_file_that_is_not_keras_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "keras.h5").write_bytes(b"not HDF5")
    with pytest.raises(CheckpointError, match="not a Keras weights file"):
        keras_arrays(tmp_path / "keras.h5")


def test_without_h5py_the_error_names_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "h5py", None)
    with pytest.raises(CheckpointError, match="make extra-backbones"):
        keras_arrays(tmp_path / "keras.h5")
