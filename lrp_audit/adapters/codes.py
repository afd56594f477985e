"""Integer codes a network has no embedding for."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from torch import nn

from lrp_audit.adapters.nodes import BoolArray


def unknown_codes(module: nn.Module, inputs: Mapping[str, torch.Tensor]) -> dict[str, BoolArray]:
    """Per integer input which cells (rows, width) hold a code the network cannot look up.

    Every distinct code of every column is tried by itself, among zeros, and only if the rows as they are fail.
    """
    whole = {name: one for name, one in inputs.items() if not one.is_floating_point()}
    unknown = {name: np.zeros(tuple(one.shape), dtype=bool) for name, one in whole.items()}
    if not whole or _runs(module, inputs):
        return unknown
    for name, codes in whole.items():
        for column in range(codes.shape[1]):
            for code in torch.unique(codes[:, column]).tolist():
                row = {other: torch.zeros_like(one[:2]) for other, one in inputs.items()}
                row[name][:, column] = code
                if not _runs(module, row):
                    unknown[name][:, column] |= (codes[:, column] == code).cpu().numpy()
    return unknown


def _runs(module: nn.Module, inputs: Mapping[str, torch.Tensor]) -> bool:
    try:
        with torch.no_grad():
            module(**inputs)
    except (IndexError, RuntimeError):
        return False
    return True
