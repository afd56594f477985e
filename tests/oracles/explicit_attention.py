"""AttnLRP (Achtibat et al. 2024) and CP-LRP (Ali et al. 2022) once more, in terms of relevance and not of multipliers.

Every function takes the relevance of a result and returns that of its operands, dividing by the result as the papers
do; stabilisers are left out, so results must not be zero.
"""

import torch
from torch import Tensor


def linear(x: Tensor, weight: Tensor, z: Tensor, R: Tensor) -> Tensor:
    """Eq. 8 without ε: R_j = x_j Σ_k w_kj R_k / z_k; z includes the bias, whose share is lost."""
    return x * ((R / z) @ weight)


def add(a: Tensor, b: Tensor, R: Tensor) -> tuple[Tensor, Tensor]:
    return a * R / (a + b), b * R / (a + b)


def softmax(x: Tensor, s: Tensor, R: Tensor) -> Tensor:
    """Proposition 3.1: R_i = x_i (R_i - s_i Σ_j R_j)."""
    return x * (R - s * R.sum(-1, keepdim=True))


def matmul(a: Tensor, b: Tensor, R: Tensor) -> tuple[Tensor, Tensor]:
    """Proposition 3.3: each factor gets half."""
    q = R / (2 * (a @ b))
    return a * (q @ b.mT), b * (a.mT @ q)


def layer_norm(x: Tensor, weight: Tensor, y: Tensor, eps: float, R: Tensor) -> Tensor:
    """Centring and scaling are linear once the standard deviation is a constant; y includes the bias."""
    g = R / y * weight / (x.var(-1, unbiased=False, keepdim=True) + eps).sqrt()
    return x * (g - g.mean(-1, keepdim=True))


def mean(x: Tensor, R: Tensor) -> Tensor:
    """Mean over dim 1."""
    return x * (R / x.sum(1)).unsqueeze(1)


def attention(
    q: Tensor, k: Tensor, v: Tensor, R: Tensor, *, weights_are_constant: bool
) -> tuple[Tensor, Tensor, Tensor]:
    """Relevance of q, k and v, (N, T, width) each, of one attention head."""
    logits = q @ k.mT / q.shape[-1] ** 0.5
    s = torch.softmax(logits, -1)
    R_s, R_v = matmul(s, v, R)
    if weights_are_constant:
        return torch.zeros_like(q), torch.zeros_like(k), 2 * R_v
    R_q, R_kt = matmul(q, k.mT, softmax(logits, s, R_s))
    return R_q, R_kt.mT, R_v
