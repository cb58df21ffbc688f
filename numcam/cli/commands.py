"""The commands, and what each does in a line: all that the help of numcam itself has to know."""

from collections.abc import Mapping

COMMANDS: Mapping[str, str] = {
    "demo": "explain a bundled picture of a cat and a dog, and attack others",
    "explain": "draw where in a picture the evidence for a class is",
    "compare": "draw Grad-CAM by the conventions of several tools, and what differs",
    "ledger": "write a class's score as a sum: activations times gradient, and biases",
    "classify": "print the likeliest classes of pictures",
    "attack": "change a picture's class by a small change of its pixels",
    "trace": "print a table of the forward and backward pass, layer by layer",
    "evaluate": "measure accuracy and explanations on drawn scenes",
    "check": "check every layer's gradients and every rule against central differences, "
    "or your answers to the tutorial",
    "exercises": "list the tutorial's exercises, or write a file to start from",
    "tutorials": "list the tutorials, or build notebooks from them",
    "train": "train pocket from nothing with numcam's own backward pass",
    "weights": "list, inspect, fetch, convert and check weights files",
    "bench": "measure how fast numcam is on this machine",
}
"""By name, which is also that of the module with the command's options."""
