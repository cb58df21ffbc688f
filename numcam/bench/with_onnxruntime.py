"""The forward pass in ONNX Runtime, which has no gradients of a trained network to offer."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

from numcam.bench.timing import Job
from numcam.nn import Conv2d, Dropout, Flatten, Linear, MaxPool2d, Network, ReLU
from numcam.nn.fast.team import processors
from numcam.nn.types import Array

OPSET, FORMAT = 13, 8
"""Versions of ONNX's operators and of its files that releases from 2022 on read."""

WITHOUT_PARAMETERS: dict[type, str] = {ReLU: "Relu", Flatten: "Flatten"}


def graph(network: Network) -> Any:
    """The network as an ONNX model, from "input" to the last layer's name, for any number of pictures."""
    names = [name for name, layer in network.layers.items() if not isinstance(layer, Dropout)]
    nodes = [
        _node(network.layers[name], before, name) for before, name in zip(["input", *names[:-1]], names, strict=True)
    ]
    weights = [numpy_helper.from_array(np.array(array), name) for name, array in network.parameters.items()]
    ends = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
        for name, shape in (("input", ["n", 3, None, None]), (names[-1], ["n", None]))
    ]
    made = helper.make_graph(nodes, "network", ends[:1], ends[1:], weights)
    return helper.make_model(made, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=FORMAT)


def _node(layer: object, before: str, name: str) -> Any:
    learned = [f"{name}.weight", f"{name}.bias"]
    if isinstance(layer, Conv2d):
        return helper.make_node(
            "Conv", [before, *learned], [name], strides=layer.stride, pads=[*layer.padding, *layer.padding]
        )
    if isinstance(layer, Linear):
        return helper.make_node("Gemm", [before, *learned], [name], transB=1)
    if isinstance(layer, MaxPool2d):
        return helper.make_node("MaxPool", [before], [name], kernel_shape=layer.size, strides=layer.stride)
    return helper.make_node(WITHOUT_PARAMETERS[type(layer)], [before], [name])


def by_onnxruntime(network: Network, x: Array) -> Mapping[str, Job]:
    """Its one job. Its threads do not wait for the next run by spinning, which would slow down whoever comes next."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = processors()
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    session = onnxruntime.InferenceSession(
        graph(network).SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    return {"forward": lambda: session.run(None, {"input": x})[0]}
