"""Models in classes that LXT has changed: for the whole process, torch's own among them, with no way back.

Needs lxt 2.1 and transformers 4.57.6, not the package measured: `./run test --all` and `./run bench` set up their
environment. `lxt_worker.py` takes times in it, tests/oracles/lxt_process.py relevance.
"""

import importlib
import sys
from types import ModuleType

import torch


def patched(architecture: str, rules: str = "attnLRP") -> ModuleType:
    """The module `modeling_<architecture>` of transformers under LXT's rules "attnLRP" or "cp_LRP"."""
    modeling = importlib.import_module(f"transformers.models.{architecture}.modeling_{architecture}")
    _stand_in_for_torchvision()
    from lxt.efficient import models, monkey_patch

    monkey_patch(modeling, getattr(getattr(models, architecture), rules))
    return modeling


def _stand_in_for_torchvision() -> None:
    """LXT imports it for its vision models, which nothing here uses; transformers, loaded by now, must see none."""
    transformer = ModuleType("torchvision.models.vision_transformer")
    transformer.nn = torch.nn
    models = ModuleType("torchvision.models")
    models.vision_transformer = transformer
    sys.modules.update({module.__name__: module for module in (ModuleType("torchvision"), models, transformer)})


def relevance(model: torch.nn.Module, ids: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Token relevance (N, tokens) of class 1 over class 0 as LXT's examples compute it, and the logits (N, classes)."""
    embedded = model.get_input_embeddings()(ids).requires_grad_()
    logits = model(inputs_embeds=embedded, attention_mask=torch.ones_like(ids)).logits
    (logits[:, 1] - logits[:, 0]).sum().backward()
    return (embedded.grad * embedded).sum(-1).detach(), logits.detach()
