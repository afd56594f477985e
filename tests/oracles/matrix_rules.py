"""The propagation rules a second time, with every contribution written out.

A rule takes a dense layer's input `x` (N, J), weight `W` (K, J), bias `b` (K,) and the relevance `R` (N, K) of its
output, and returns the relevance (N, J) of its input. `c` holds what each input adds to each output, (N, K, J).
Formulas: Bach et al. 2015 (ε, αβ), Montavon et al. 2017 (w², z-box, z⁺) and 2019 (γ; here generalised to signed inputs
as by Andéol et al. 2021). This is plain numpy on purpose: it shares neither code nor form with the engine.
"""

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Rule = Callable[[Array, Array, Array, Array], Array]


def positive(a: Array) -> Array:
    return np.maximum(a, 0.0)


def negative(a: Array) -> Array:
    return np.minimum(a, 0.0)


def share(c: Array, z: Array, R: Array, stabiliser: float = 1e-6) -> Array:
    """Hand R of every output to its inputs in the proportion c / z, with z moved away from zero by its own sign."""
    z = z + np.where(z >= 0, stabiliser, -stabiliser)
    return np.einsum("nkj,nk->nj", c, np.divide(R, z, out=np.zeros_like(R), where=R != 0))


def epsilon(x: Array, W: Array, b: Array, R: Array, *, epsilon: float = 1e-6) -> Array:
    c = x[:, None, :] * W
    return share(c, c.sum(-1) + b, R, epsilon)


def alpha_beta(x: Array, W: Array, b: Array, R: Array, *, alpha: float = 2.0, beta: float = 1.0) -> Array:
    c = x[:, None, :] * W
    activating = share(positive(c), positive(c).sum(-1) + positive(b), R)
    inhibiting = share(negative(c), negative(c).sum(-1) + negative(b), R)
    return alpha * activating - beta * inhibiting


def gamma(x: Array, W: Array, b: Array, R: Array, *, gamma: float = 0.25, stabiliser: float = 1e-6) -> Array:
    c = x[:, None, :] * W
    z = c.sum(-1) + b
    up, down = c + gamma * positive(c), c + gamma * negative(c)
    raised = share(up, up.sum(-1) + b + gamma * positive(b), np.where(z > 0, R, 0.0), stabiliser)
    lowered = share(down, down.sum(-1) + b + gamma * negative(b), np.where(z < 0, R, 0.0), stabiliser)
    return raised + lowered


def w_square(x: Array, W: Array, b: Array, R: Array) -> Array:
    c = np.broadcast_to(W**2, (len(x), *W.shape))
    return share(c, c.sum(-1) + b**2, R)


def flat(x: Array, W: Array, b: Array, R: Array) -> Array:
    c = np.ones((len(x), *W.shape))
    return share(c, c.sum(-1), R)


def z_box(x: Array, W: Array, b: Array, R: Array, *, low: float, high: float) -> Array:
    c = x[:, None, :] * W - low * positive(W) - high * negative(W)
    return share(c, c.sum(-1), R)


z_plus = partial(alpha_beta, alpha=1.0, beta=0.0)
lrp_0 = partial(epsilon, epsilon=0.0)


def network(
    layers: Sequence[tuple[Array, Array]],
    activation: Callable[[Array], Array],
    rules: Sequence[Rule],
    x: Array,
    target: int,
    reference: Array | None = None,
) -> Array:
    """Relevance (N, J) of a multilayer perceptron's inputs for one output.

    An elementwise activation hands on what it gets, so only dense layers appear on the way back. Against a reference
    (1, J) or (N, J) the layers see differences: x is x - reference at every layer, and a bias cancels.
    """
    inputs, output = forward(layers, activation, x)
    biases = [b for _, b in layers]
    if reference is not None:
        reference_inputs, reference_output = forward(layers, activation, reference)
        inputs = [a - a_ref for a, a_ref in zip(inputs, reference_inputs, strict=True)]
        output = output - reference_output
        biases = [np.zeros_like(b) for b in biases]
    R = np.where(np.arange(output.shape[1]) == target, output, 0.0)
    for (W, _), b, a, rule in reversed(list(zip(layers, biases, inputs, rules, strict=True))):
        R = rule(a, W, b, R)
    return R


def forward(
    layers: Sequence[tuple[Array, Array]], activation: Callable[[Array], Array], x: Array
) -> tuple[list[Array], Array]:
    """Return the input of every layer, and the last layer's output."""
    inputs = [x]
    for W, b in layers[:-1]:
        inputs.append(activation(inputs[-1] @ W.T + b))
    W, b = layers[-1]
    return inputs, inputs[-1] @ W.T + b
