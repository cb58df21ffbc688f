"""Learning: the loss, its gradients for all parameters, and the two optimisers everybody uses.

Parameters are a dict of arrays that each step replaces; nothing is changed in place, so a network that someone
holds stays what it was.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from math import cos, pi

import numpy as np

from numcam.nn.fast import alone
from numcam.nn.network import Network
from numcam.nn.softmax import (
    as_probabilities,
    binary_cross_entropy,
    binary_cross_entropy_backward,
    cross_entropy,
    cross_entropy_backward,
)
from numcam.nn.types import Array

Parameters = dict[str, Array]

SHARD = {"plain": 4, "fast": 8}
"""Pictures that go through the network together; few, so that their traces stay in memory already in use. Measured with
the fast engine, a step of pocket with 32 pictures: 489 ms by fours, 446 by eights, 445 by sixteens."""

PIECE = 1 << 20
"""Values of a gradient that are squared together, in float64: VGG16's fc6 would take a gigabyte at once."""


class SGD:
    """Stochastic gradient descent with momentum (Sutskever et al. 2013): v <- momentum v + g; p <- p - rate v."""

    def __init__(self, momentum: float = 0.9, decay: float = 0.0) -> None:
        self.momentum, self.decay = momentum, decay
        self.state: Parameters = {}

    def step(self, parameters: Mapping[str, Array], gradients: Mapping[str, Array], rate: float) -> Parameters:
        """The next parameters. `decay` pulls weights (not biases) towards 0."""
        for name, g in gradients.items():
            v = self.momentum * self.state[name] if name in self.state else np.zeros_like(g)
            v += g
            self.state[name] = v
        return {name: self._moved(name, p, rate) for name, p in parameters.items()}

    def _moved(self, name: str, p: Array, rate: float) -> Array:
        change = rate * self.state[name]
        return np.subtract(_decayed(name, p, rate * self.decay), change, out=change)


class Adam:
    """Adam (Kingma and Ba 2015) with weight decay kept apart from the gradient (Loshchilov and Hutter 2019)."""

    def __init__(self, betas: tuple[float, float] = (0.9, 0.999), epsilon: float = 1e-8, decay: float = 0.0) -> None:
        self.betas, self.epsilon, self.decay = betas, epsilon, decay
        self.state: Parameters = {}
        self.steps = 0

    def step(self, parameters: Mapping[str, Array], gradients: Mapping[str, Array], rate: float) -> Parameters:
        """The next parameters. `decay` pulls weights (not biases) towards 0."""
        self.steps += 1
        return {name: self._moved(name, p, gradients[name], rate) for name, p in parameters.items()}

    def _moved(self, name: str, p: Array, g: Array, rate: float) -> Array:
        b1, b2 = self.betas
        m = self.state[f"m {name}"] = b1 * self.state.get(f"m {name}", np.zeros_like(p)) + (1 - b1) * g
        v = self.state[f"v {name}"] = b2 * self.state.get(f"v {name}", np.zeros_like(p)) + (1 - b2) * g * g
        m, v = m / (1 - b1**self.steps), v / (1 - b2**self.steps)  # undo the bias of starting at 0
        return _decayed(name, p, rate * self.decay) - (rate * m / (np.sqrt(v) + self.epsilon)).astype(p.dtype)


def _decayed(name: str, p: Array, amount: float) -> Array:
    return p * p.dtype.type(1 - amount) if amount and name.endswith(".weight") else p


def cosine_rate(step: int, steps: int, peak: float, warmup: int = 0) -> float:
    """Learning rate at `step` of `steps`: a straight rise over `warmup` steps, then half a cosine down to 0."""
    if step < warmup:
        return peak * (step + 1) / warmup
    return peak * 0.5 * (1 + cos(pi * (step - warmup) / max(1, steps - warmup)))


def clipped(gradients: Mapping[str, Array], norm: float) -> Parameters:
    """The gradients, scaled down together where their common L2 norm exceeds `norm` (Pascanu et al. 2013)."""
    total = float(np.sqrt(sum(_squares(g) for g in gradients.values())))
    scale = min(1.0, norm / (total + 1e-12))
    return {name: g * g.dtype.type(scale) for name, g in gradients.items()} if scale < 1 else dict(gradients)


def _squares(g: Array) -> float:
    """The sum of all squares."""
    flat = g.reshape(-1)
    return sum(float(np.square(flat[at : at + PIECE], dtype=np.float64).sum()) for at in range(0, flat.size, PIECE))


Part = tuple[Array, Array, Parameters]
"""What `loss_and_gradients` gives for some of the pictures."""

Loss = tuple[Callable[[Array, Array], Array], Callable[[Array, Array], Array]]
"""loss(logits, target) -> (n,) and its gradient (n, classes)."""

SOFTMAX: Loss = (cross_entropy, cross_entropy_backward)
PRESENCE: Loss = (binary_cross_entropy, binary_cross_entropy_backward)


def loss_and_gradients(network: Network, x: Array, target: Array, loss: Loss = SOFTMAX, engine: str = "fast") -> Part:
    """The loss of each picture (n,), the logits (n, classes), and the *summed* loss's parameter gradients."""
    trace = network.forward(x, engine)
    seed = loss[1](trace.output, target)
    first = next(iter(network.layers))  # the gradient of the pixels themselves is of no use to learning
    gradients = trace.parameter_gradients(trace.backward(seed, stop=first))
    return loss[0](trace.output, target), trace.output, gradients


@dataclass(frozen=True)
class Step:
    """What one training step did: its number, mean loss, share of right answers, and the network after it."""

    index: int
    loss: float
    accuracy: float
    network: Network


def train(
    network: Network,
    batches: Iterable[tuple[Array, Array]],
    optimiser: SGD | Adam,
    rate: Callable[[int], float],
    *,
    start: int = 0,
    clip: float = 1.0,
    seed: int = 0,
    workers: int = 1,
    regularise: Callable[[Parameters, float], Parameters] | None = None,
    loss: Loss = SOFTMAX,
    engine: str = "fast",
) -> Iterator[Step]:
    """Take one step per batch (x, target) and yield after each, so that the caller can show, save or stop.

    rate(step) is the learning rate. Dropout draws anew each step, from `seed` and the step's number. The batch is
    worked through by `workers` threads, whose number does not change the result. regularise(parameters, rate)
    is applied after each step. engine: as in `Network.forward`; it decides too how many pictures share a draw of
    Dropout.
    """
    work = partial(loss_and_gradients, loss=loss, engine=engine)
    with ThreadPoolExecutor(workers) as pool:
        for index, (x, target) in enumerate(batches, start):
            target = as_probabilities(target, np.empty((len(x), _classes(network)), x.dtype))
            shards = np.array_split(np.arange(len(x)), -(-len(x) // SHARD.get(engine, 1)))
            thinned = [network.thinned(seed + 1_000 * (index * len(shards) + k)) for k in range(len(shards))]
            each = work if len(shards) == 1 else partial(_by_itself, work)
            parts = list(pool.map(each, thinned, [x[s] for s in shards], [target[s] for s in shards]))
            gradients = _mean([part[2] for part in parts], x.dtype.type(len(x)))
            parameters = optimiser.step(network.parameters, clipped(gradients, clip), rate(index))
            network = network.with_parameters(regularise(parameters, rate(index)) if regularise else parameters)
            logits = np.concatenate([p[1] for p in parts])
            right = target[np.arange(len(x)), logits.argmax(1)] > 0
            yield Step(index, float(np.mean(np.concatenate([p[0] for p in parts]))), float(right.mean()), network)


def _mean(sums: list[Parameters], count: np.floating) -> Parameters:
    """All parts' sums over the number of pictures, in the first part's memory: fresh memory costs more than sums."""
    total = sums[0]
    for name, g in total.items():
        for other in sums[1:]:
            g += other[name]
        g /= count
    return total


def _by_itself(work: Callable[..., Part], *given: object) -> Part:
    with alone():
        return work(*given)


def _classes(network: Network) -> int:
    return int(next(reversed(network.parameters.values())).shape[0])
