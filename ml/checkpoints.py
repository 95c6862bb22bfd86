"""Reads the arrays of other programs' checkpoints, and runs no code from them."""

import io
import math
import pickle
import struct
import zipfile
from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

Arrays = dict[str, np.ndarray]
Globals = Mapping[tuple[str, str], Any]

LEGACY_MAGIC = 0x1950A86A20F9469CFC6C
TORCH_TYPES = {
    "FloatStorage": np.dtype("<f4"),
    "HalfStorage": np.dtype("<f2"),
    "LongStorage": np.dtype("<i8"),
}


class CheckpointError(ValueError):
    """The file is not a checkpoint of the kind it should be, or holds more than arrays."""


class _Unpickler(pickle.Unpickler):
    """Admits the globals that it is given, and no others."""

    def __init__(self, file: BinaryIO, admitted: Globals) -> None:
        super().__init__(file)
        self._admitted = admitted

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in self._admitted:
            raise CheckpointError(f"it asks for {module}.{name}, which no checkpoint of arrays needs")
        return self._admitted[module, name]


def numpy_pickle(data: bytes) -> Any:
    """What a pickle of numpy arrays in plain containers holds."""
    reconstruct = np.empty(0).__reduce__()[0]
    admitted = {
        ("numpy.core.multiarray", "_reconstruct"): reconstruct,
        ("numpy._core.multiarray", "_reconstruct"): reconstruct,
        ("numpy", "ndarray"): np.ndarray,
        ("numpy", "dtype"): np.dtype,
    }
    try:
        return _Unpickler(io.BytesIO(data), admitted).load()
    except Exception as error:  # a malformed pickle raises whatever its bytes happen to spell
        raise CheckpointError(f"not a pickle of arrays: {error}") from error


def torch_state(path: Path) -> Arrays:
    """The tensors of a PyTorch state dict (`.pth`) by name: the zip format, or the one before PyTorch 1.6."""
    try:
        state = _torch_zip(path) if zipfile.is_zipfile(path) else _torch_legacy(path)
        return {str(name): np.asarray(tensor) for name, tensor in state.items()}
    except Exception as error:  # as above
        raise CheckpointError(f"not a PyTorch state dict: {error}") from error


def keras_arrays(path: Path) -> Arrays:
    """The arrays of a Keras weights file (`.h5`) as ``layer/kernel`` and ``layer/bias``; needs h5py."""
    try:
        import h5py  # type: ignore[import-untyped]
    except ModuleNotFoundError:
        raise CheckpointError("reading .h5 files needs h5py: make extra-backbones installs it") from None
    found: Arrays = {}

    def visit(name: str, node: Any) -> None:
        if isinstance(node, h5py.Dataset) and "/" in name:
            found[f"{name.split('/')[-2]}/{'bias' if node.ndim == 1 else 'kernel'}"] = node[()]

    try:
        with h5py.File(path, "r") as file:
            file.visititems(visit)
    except OSError as error:
        raise CheckpointError(f"not a Keras weights file: {error}") from error
    return found


class _TorchUnpickler(_Unpickler):
    """Rebuilds contiguous tensors as views of zeroed storages, which the caller fills afterwards."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        admitted: dict[tuple[str, str], Any] = {("torch", name): dtype for name, dtype in TORCH_TYPES.items()}
        admitted["collections", "OrderedDict"] = OrderedDict
        admitted["torch._utils", "_rebuild_tensor_v2"] = _rebuild_tensor
        admitted["torch._utils", "_rebuild_parameter"] = lambda tensor, *_: tensor
        super().__init__(file, admitted)
        self.storages: Arrays = {}
        self._size = size

    def persistent_load(self, reference: Any) -> np.ndarray:
        _, dtype, key, _, count = reference[:5]
        if count * dtype.itemsize > self._size:
            raise CheckpointError("a tensor is larger than the file")
        return self.storages.setdefault(key, np.zeros(count, dtype))


def _rebuild_tensor(
    storage: np.ndarray, offset: int, shape: tuple[int, ...], strides: tuple[int, ...], *_: Any
) -> np.ndarray:
    if strides != tuple(math.prod(shape[axis + 1 :]) for axis in range(len(shape))):
        raise CheckpointError("a tensor is not contiguous; save it again after .contiguous()")
    return storage[offset : offset + math.prod(shape)].reshape(shape)


def _torch_zip(path: Path) -> Any:
    with zipfile.ZipFile(path) as archive:
        index = next(name for name in archive.namelist() if name.endswith("data.pkl"))
        unpickler = _TorchUnpickler(io.BytesIO(archive.read(index)), path.stat().st_size)
        state = unpickler.load()
        for key, storage in unpickler.storages.items():
            storage[:] = np.frombuffer(archive.read(f"{index.removesuffix('.pkl')}/{key}"), storage.dtype)
    return state


def _torch_legacy(path: Path) -> Any:
    with path.open("rb") as file:
        magic, _protocol, _writer = (_Unpickler(file, {}).load() for _ in range(3))
        if magic != LEGACY_MAGIC:
            raise CheckpointError("its first bytes are another format's")
        unpickler = _TorchUnpickler(file, path.stat().st_size)
        state = unpickler.load()
        for key in _Unpickler(file, {}).load():
            storage = unpickler.storages[key]
            (count,) = struct.unpack("<q", file.read(8))
            storage[:] = np.frombuffer(file.read(count * storage.itemsize), storage.dtype)
    return state
