"""One way to compute VGG16 in a process of its own, timed turn by turn: a child of `benchmarks.vgg16`.

Run with the folder that the parent filled and a `Job`, it says ``ready`` or why it cannot take part, and then
answers each line on its input with the milliseconds of a forward pass. Each library has the settings that are
its best on the given number of cores, and none but numpy is imported before it is known which is asked for.
"""

import json
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

Run = Callable[[], Any]
"""A forward pass to its end; what it returns `Contender.features` reads."""
POOLED = {"conv1_2", "conv2_2", "conv3_3", "conv4_3", "conv5_3"}


@dataclass(frozen=True)
class Job:
    """What to run: grey images (N, 224, 224), the same normalised (N, 224, 224, 3), and the weights."""

    name: str
    folder: Path
    device: str
    precision: str
    threads: int

    @property
    def grey(self) -> np.ndarray:
        return np.load(self.folder / "grey.npy")

    @property
    def channels(self) -> np.ndarray:
        return np.load(self.folder / "channels.npy")

    @property
    def layers(self) -> dict[str, tuple[np.ndarray, np.ndarray]]:
        """Kernel (3, 3, I, O) and bias of each convolution, in their order."""
        arrays = np.load(self.folder / "weights.npz")
        names = [name.removesuffix(".kernel") for name in arrays.files if name.endswith(".kernel")]
        return {name: (arrays[f"{name}.kernel"], arrays[f"{name}.bias"]) for name in names}


class Unable(Exception):
    """This contender cannot take part here; the message says why."""


# ------------------------------------------------------------------ on jax


def ours(job: Job) -> Run:
    """As the product computes: from the grey image on, and on a CPU one image after the other."""
    import jax
    import jax.numpy as jnp

    from ml import vgg16

    given = {"params": _nested(job), "normalisation": _normalisation(job)}
    if job.device == "cpu":
        tiled, *images = jax.device_put([vgg16.for_platform(given, "cpu"), *job.grey[:, None]])
        return lambda: jax.block_until_ready([vgg16.extract(tiled, image) for image in images])
    half = jnp.bfloat16 if job.precision == "bf16" else jnp.float32
    network = vgg16.VGG16(dtype=half)
    layers = jax.tree.map(lambda leaf: leaf.astype(half), given["params"])
    return _on_jax(lambda params, x: network.apply({"params": params}, x), layers, job.channels.astype(half))


def xla(job: Job) -> Run:
    """The same network by XLA's own convolutions."""
    from ml import vgg16

    given = {"params": _nested(job), "normalisation": _normalisation(job)}
    return _on_jax(vgg16.extract, given, job.grey)


def keras(job: Job) -> Run:
    """Keras's own VGG16 on jax, as one compiled function."""
    os.environ["KERAS_BACKEND"] = "jax"
    import keras

    model = keras.applications.VGG16(include_top=False, weights=None, input_shape=job.channels.shape[1:])
    model.set_weights([array for layer in job.layers.values() for array in layer])
    values = [variable.value for variable in model.trainable_variables]
    return _on_jax(lambda given, x: model.stateless_call(given, [], x)[0], values, job.channels)


def product(job: Job) -> Run:
    """A large matrix product: how fast the device could be."""
    import jax.numpy as jnp

    size = product_side(job.device)
    square = np.ones((size, size), jnp.bfloat16 if job.precision == "bf16" else np.float32)
    return _on_jax(lambda a, b: a @ b, square, square)


def product_side(device: str) -> int:
    """Rows and columns of the large matrices."""
    return 8192 if device == "gpu" else 1024


def _on_jax(function: Callable[..., Any], *given: Any) -> Run:
    import jax

    moved = jax.device_put(given)
    program = jax.jit(function).lower(*moved).compile()
    return lambda: jax.block_until_ready(program(*moved))


def _nested(job: Job) -> dict[str, dict[str, np.ndarray]]:
    return {name: {"kernel": kernel, "bias": bias} for name, (kernel, bias) in job.layers.items()}


def _normalisation(job: Job) -> dict[str, np.ndarray]:
    arrays = np.load(job.folder / "weights.npz")
    return {name: arrays[f"normalisation.{name}"] for name in ("scale", "offset")}


# ------------------------------------------------------------------ PyTorch


def torch_eager(job: Job) -> Run:
    return _in_torch(job, *_torch(job))


def torch_channels_last(job: Job) -> Run:
    return _in_torch(job, *_channels_last(*_torch(job)))


def torch_compile(job: Job) -> Run:
    import torch

    network, x = _channels_last(*_torch(job))
    mode = "max-autotune" if job.device == "gpu" else "default"  # the former with CUDA graphs
    return _in_torch(job, torch.compile(network, mode=mode), x)


def torch_frozen(job: Job) -> Run:
    """Traced, frozen and optimised for inference."""
    import torch

    network, x = _torch(job)
    with torch.inference_mode():
        frozen = torch.jit.optimize_for_inference(torch.jit.freeze(torch.jit.trace(network, x)))
    return _in_torch(job, frozen, x)


def torch_graph(job: Job) -> Run:
    """Channels last, captured as a CUDA graph."""
    import torch

    if job.device != "gpu":
        raise Unable("CUDA graphs are for GPUs")
    network, x = _channels_last(*_torch(job))
    stream, graph = torch.cuda.Stream(), torch.cuda.CUDAGraph()
    with torch.inference_mode(), torch.cuda.stream(stream):
        for _ in range(3):
            network(x)
        with torch.cuda.graph(graph, stream=stream):
            found = network(x)

    def replay() -> Any:
        graph.replay()
        torch.cuda.synchronize()
        return found

    return replay


def _torch(job: Job) -> tuple[Any, Any]:
    import torch

    torch.set_num_threads(job.threads)
    torch.backends.cudnn.benchmark = True
    layers: list[Any] = []
    for name, (kernel, bias) in job.layers.items():
        layer = torch.nn.Conv2d(*kernel.shape[2:], 3, padding=1)
        layer.weight.data = torch.from_numpy(kernel.transpose(3, 2, 0, 1).copy())
        layer.bias.data = torch.from_numpy(bias)
        layers += [layer, torch.nn.ReLU(inplace=True)]
        layers += [torch.nn.MaxPool2d(2)] if name in POOLED else []
    where = "cuda" if job.device == "gpu" else "cpu"
    form = torch.bfloat16 if job.precision == "bf16" else torch.float32
    x = torch.from_numpy(job.channels.transpose(0, 3, 1, 2).copy())
    return torch.nn.Sequential(*layers).eval().to(where, form), x.to(where, form)


def _channels_last(network: Any, x: Any) -> tuple[Any, Any]:
    import torch

    return network.to(memory_format=torch.channels_last), x.to(memory_format=torch.channels_last)


def _in_torch(job: Job, network: Any, x: Any) -> Run:
    import torch

    def run() -> Any:
        with torch.inference_mode():
            found = network(x)
        if job.device == "gpu":
            torch.cuda.synchronize()
        return found

    return run


# ------------------------------------------------------------------ ONNX Runtime and OpenVINO


def onnx_runtime(job: Job) -> Run:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = job.threads
    session = onnxruntime.InferenceSession(_onnx(job), options, providers=["CPUExecutionProvider"])
    given = {"x": np.ascontiguousarray(job.channels.transpose(0, 3, 1, 2))}
    return lambda: session.run(None, given)[0]


def openvino(job: Job) -> Run:
    import openvino as library

    core = library.Core()
    program = core.compile_model(
        core.read_model(_onnx(job)),
        "CPU",
        {
            "INFERENCE_PRECISION_HINT": job.precision,
            "INFERENCE_NUM_THREADS": job.threads,
            "NUM_STREAMS": 1,
            "PERFORMANCE_HINT": "LATENCY",
        },
    )
    request = program.create_infer_request()
    request.set_input_tensor(library.Tensor(np.ascontiguousarray(job.channels.transpose(0, 3, 1, 2))))

    def run() -> Any:
        request.infer()
        return request.get_output_tensor().data

    return run


def _onnx(job: Job) -> bytes:
    """The network in ONNX, written out here so that it needs no PyTorch."""
    from onnx import TensorProto, helper, numpy_helper

    nodes, constants, last = [], [], "x"
    for name, (kernel, bias) in job.layers.items():
        held = {f"{name}.kernel": kernel.transpose(3, 2, 0, 1).copy(), f"{name}.bias": bias}
        constants += [numpy_helper.from_array(array, key) for key, array in held.items()]
        nodes.append(helper.make_node("Conv", [last, *held], [name], kernel_shape=[3, 3], pads=[1, 1, 1, 1]))
        nodes.append(helper.make_node("Relu", [name], [f"{name}.relu"]))
        last = f"{name}.relu"
        if name in POOLED:
            pool = helper.make_node("MaxPool", [last], [f"{name}.pool"], kernel_shape=[2, 2], strides=[2, 2])
            nodes.append(pool)
            last = f"{name}.pool"
    count, height, width, channels = job.channels.shape
    inputs = [helper.make_tensor_value_info("x", TensorProto.FLOAT, [count, channels, height, width])]
    outputs = [helper.make_tensor_value_info(last, TensorProto.FLOAT, None)]
    graph = helper.make_graph(nodes, "vgg16", inputs, outputs, constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    found: bytes = model.SerializeToString()
    return found


# ------------------------------------------------------------------ taking part

ON_JAX: dict[str, Callable[[Job], Run]] = {"ours": ours, "XLA": xla, "Keras": keras, "product": product}
CHANNELS_FIRST: dict[str, Callable[[Job], Run]] = {
    "PyTorch": torch_eager,
    "PyTorch, channels last": torch_channels_last,
    "PyTorch, compiled": torch_compile,
    "PyTorch, frozen": torch_frozen,
    "PyTorch, CUDA graph": torch_graph,
    "ONNX Runtime": onnx_runtime,
    "OpenVINO": openvino,
}
CONTENDERS = ON_JAX | CHANNELS_FIRST


def features(job: Job, found: Any) -> np.ndarray:
    """What a run returned as (N, 25088) float32 in the order of NHWC."""
    array = found.float().cpu().numpy() if hasattr(found, "cpu") else np.asarray(found)
    array = array.astype(np.float32)
    turned = array.transpose(0, 2, 3, 1) if job.name in CHANNELS_FIRST else array
    return turned.reshape(len(turned), -1)


def main() -> None:
    folder = Path(sys.argv[1])
    job = Job(folder=folder, **json.loads(sys.argv[2]))
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: job.threads])
    try:
        run = CONTENDERS[job.name](job)
        np.save(folder / f"{job.name}.npy", features(job, run()))
    except Exception as error:
        print(f"{type(error).__name__}: {error}".splitlines()[0][:150], flush=True)
        return
    print("ready", flush=True)
    for _ in sys.stdin:
        run()  # what lay in the caches was another's
        start = perf_counter()
        run()
        print(1000 * (perf_counter() - start), flush=True)


if __name__ == "__main__":
    main()
