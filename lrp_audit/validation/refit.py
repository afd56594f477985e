"""Fitting a model again, on labels of one's choice, within a time that is given beforehand.

A scikit-learn estimator is cloned and fitted in a process of its own, which is ended when its time is over. The network
of any other model starts from drawn weights and is trained by a plain loop (Adam on the whole table in small batches).
"""

from __future__ import annotations

import contextlib
import copy
import multiprocessing
import pickle
import time
import warnings
from collections.abc import Mapping
from multiprocessing.connection import Connection
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from sklearn.base import clone
from torch import Tensor, nn
from torch.nn import functional as F

from lrp_audit.adapters.margins import Link
from lrp_audit.errors import LrpAuditError
from lrp_audit.validation.randomised import draw, layers, write

EPOCHS, BATCH, RATE = 40, 128, 3e-3


class RefitError(LrpAuditError):
    """Why a model cannot be fitted again; the check is then not performed."""


def refit_estimator(estimator: Any, rows: Any, labels: npt.NDArray[Any], *, seconds: float, seed: int) -> Any:
    """A clone of a scikit-learn estimator, fitted.

    Raises:
        RefitError: it cannot be cloned or sent to another process, fitting failed, or took longer than `seconds`.
    """
    try:
        task = pickle.dumps((clone(estimator), rows, labels, seed))
    except Exception as error:
        raise RefitError(f"the estimator cannot be copied for another fit ({_first_line(error)})") from None
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_fit, args=(theirs, task), daemon=True)
    process.start()
    theirs.close()
    try:
        if not ours.poll(seconds):
            raise RefitError(f"one fit takes longer than {seconds:g} seconds (--refit-seconds)")
        fitted, problem = pickle.loads(ours.recv_bytes())
    except EOFError:
        raise RefitError("the process that fitted it ended without a result") from None
    finally:
        process.kill()
        process.join()
        ours.close()
    if problem is not None:
        raise RefitError(f"fitting failed: {problem}")
    return fitted


def _fit(answer: Connection, task: bytes) -> None:
    """In the other process: fit, and answer with the estimator or the error's first line."""
    estimator, rows, labels, seed = pickle.loads(task)
    np.random.seed(seed)  # noqa: NPY002 - what an estimator without a random_state draws from
    torch.manual_seed(seed)
    found: tuple[Any, str | None]
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(None):
            warnings.simplefilter("ignore")  # that it has not converged shows in what it predicts
            found = estimator.fit(rows, labels), None
    except Exception as error:
        found = (None, _first_line(error))
    answer.send_bytes(pickle.dumps(found))


def refit_network(
    module: nn.Module,
    inputs: Mapping[str, Tensor],
    labels: npt.NDArray[Any],
    link: Link,
    *,
    classes: int,
    seconds: float,
    seed: int,
) -> nn.Module:
    """A copy of a network with drawn weights, trained on labels (positions of classes, or values).

    Raises:
        RefitError: it holds nothing that can be trained, its loss is no number, or it took longer than `seconds`.
    """
    own = copy.deepcopy(module)
    parts = layers(own, {name: value[:2] for name, value in inputs.items()})
    if not parts:
        raise RefitError("the network holds no parameters that could be trained")
    write(own, draw(own, parts, (seed,)))
    weights = [value.requires_grad_() for value in own.parameters() if value.is_floating_point()]
    optimiser, target = torch.optim.Adam(weights, lr=RATE), _target(labels, link, classes)
    generator, began = torch.Generator().manual_seed(seed), time.monotonic()
    for _ in range(EPOCHS):
        for rows in torch.randperm(len(labels), generator=generator).split(BATCH):
            optimiser.zero_grad()
            loss = _loss(own(**{name: value[rows] for name, value in inputs.items()}), target[rows], link, classes)
            if not torch.isfinite(loss):
                raise RefitError("the loss of the plain training loop is no number")
            loss.backward()
            optimiser.step()
            if time.monotonic() - began > seconds:
                raise RefitError(f"one fit takes longer than {seconds:g} seconds (--refit-seconds)")
    return own.requires_grad_(False)


def _target(labels: npt.NDArray[Any], link: Link, classes: int) -> Tensor:
    if not classes:
        return torch.from_numpy(np.log(labels) if link == "log" else labels.astype(np.float64))
    return torch.from_numpy(labels.astype(np.int64))


def _loss(output: Tensor, target: Tensor, link: Link, classes: int) -> Tensor:
    output = output.reshape(len(output), -1)
    if not classes:
        return F.mse_loss(output[:, 0], target.to(output.dtype))
    if output.shape[1] == 1:
        return F.binary_cross_entropy_with_logits(output[:, 0], target.to(output.dtype))
    return F.cross_entropy(output, target)


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
