"""Muon for the matrices, AdamW for the rest, as one optimizer: one schedule, one state, one checkpoint."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Literal, get_args, overload

import torch
from torch import nn

from clamr_select.errors import CheckpointError, unknown_name

OptimizerName = Literal["adamw", "muon"]
MUON_MOMENTUM = 0.95
_ALGORITHM = "algorithm"


def check_optimizer(name: str) -> None:
    """Raises UnknownNameError unless ``name`` is ``adamw`` or ``muon``."""
    if name not in get_args(OptimizerName):
        raise unknown_name("optimizer", name, get_args(OptimizerName))


class MuonWithAdamW(torch.optim.Optimizer):
    """``torch.optim.Muon`` (Jordan et al. 2024) steps the groups of matrices, ``torch.optim.AdamW`` the others.

    Muon's step is scaled to the size of AdamW's (``match_rms_adamw``, Liu et al., arXiv 2502.16982), so that both
    take one learning rate.

    Args:
        matrices: groups of two-dimensional parameters.
        others: groups of any parameters.
        lr, betas, eps: of AdamW; ``lr`` is Muon's as well.
        momentum: of Muon.

    Raises:
        ValueError: of torch: a parameter of ``matrices`` that is no matrix.
    """

    def __init__(
        self,
        matrices: Iterable[dict[str, Any]],
        others: Iterable[dict[str, Any]],
        *,
        lr: float,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        momentum: float = MUON_MOMENTUM,
    ) -> None:
        self._parts: dict[str, torch.optim.Optimizer] = {
            "muon": torch.optim.Muon(list(matrices), lr=lr, momentum=momentum, adjust_lr_fn="match_rms_adamw"),
            "adamw": torch.optim.AdamW(list(others), lr=lr, betas=betas, eps=eps),
        }
        groups = [{**g, _ALGORITHM: name} for name, part in self._parts.items() for g in part.param_groups]
        super().__init__(groups, {})

    @overload
    def step(self, closure: None = None) -> None: ...

    @overload
    def step(self, closure: Callable[[], float]) -> float: ...

    def step(self, closure: Callable[[], float] | None = None) -> float | None:
        """One step of both; ``closure`` as in torch."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for name, part in self._parts.items():
            # schedules write into our groups, and loading replaces groups and state: the parts look here each time
            part.param_groups = [group for group in self.param_groups if group[_ALGORITHM] == name]
            part.state = self.state
            part.step()
        return loss

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take up the state of a run with the same parameters.

        Raises:
            CheckpointError: it was written by another optimizer, or over other parameters.
        """
        if any(group.get(_ALGORITHM) not in self._parts for group in state_dict["param_groups"]):
            raise CheckpointError(
                "the checkpoint's optimizer is not 'muon': go on with the one that it was trained with, or start anew"
            )
        try:
            super().load_state_dict(state_dict)
        except ValueError as error:
            raise CheckpointError(f"the checkpoint's optimizer state is of another model: {error}") from error


def muon_with_adamw(
    model: nn.Module,
    *,
    decayed: set[str],
    lr: float,
    weight_decay: float,
    betas: tuple[float, float],
    eps: float,
) -> MuonWithAdamW:
    """Muon on every trained matrix but embeddings, which are tables of rows and not maps; AdamW on the rest.

    Args:
        decayed: names of the parameters that ``weight_decay`` applies to.
    """
    tables = {
        id(parameter)
        for module in model.modules()
        if isinstance(module, nn.Embedding)
        for parameter in module.parameters()
    }
    trained = [(name, parameter) for name, parameter in model.named_parameters() if parameter.requires_grad]
    matrices = {name for name, parameter in trained if parameter.ndim == 2 and id(parameter) not in tables}

    def groups(with_muon: bool) -> list[dict[str, Any]]:
        split = [
            ([p for n, p in trained if (n in matrices) == with_muon and (n in decayed) == decays], decays)
            for decays in (True, False)
        ]
        return [
            {"params": parameters, "weight_decay": weight_decay if decays else 0.0}
            for parameters, decays in split
            if parameters
        ]

    return MuonWithAdamW(groups(True), groups(False), lr=lr, betas=betas, eps=eps)
