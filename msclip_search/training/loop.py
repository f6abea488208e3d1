"""Learning: batches of simulated and real tiles, checkpoints, and a curve.

The members of a network are learnt one after the other, each from a seed of its own. A checkpoint holds everything that
the next step depends on, so that a run which was interrupted ends with the same weights as one that was not.
"""

import hashlib
import io
import json
import math
import threading
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from msclip_search.disk import disk_errors
from msclip_search.errors import TrainingError
from msclip_search.models.nano.network import Network
from msclip_search.training.captions import Captions
from msclip_search.training.examples import Examples
from msclip_search.training.loss import contrastive
from msclip_search.training.plan import Plan
from msclip_search.training.real import RealExamples, true_of_classes
from msclip_search.training.validation import Validation

_WARM = 0.1
"""Share of the steps over which the learning rate rises."""
_SMALLEST = 1e-3
"""Deviation of a number below which it says nothing."""


@dataclass(frozen=True, slots=True)
class Point:
    """A point of the curve."""

    member: int
    step: int
    loss: float
    """Mean since the last point."""
    validation: float
    """Mean average precision of the tags over simulated tiles."""


Told = Callable[[int, int, Point | None], None]
"""Told steps done, steps in all, and the last point of the curve."""


class Learner:
    """One run over all members.

    Parameters
    ----------
    plan
        What is asked for.
    simulated
        Tiles to learn from.
    real
        Labelled tiles to learn from as well; None learns from simulated ones alone.
    captions
        What they are compared with.
    validation
        Where the curve is measured.
    checkpoint
        File to go on from, and to write; None keeps nothing.
    """

    def __init__(
        self,
        plan: Plan,
        *,
        simulated: Examples,
        real: RealExamples | None,
        captions: Captions,
        validation: Validation,
        checkpoint: Path | None = None,
    ) -> None:
        self.curve: list[Point] = []
        self._plan = plan
        self._simulated = simulated
        self._real = real
        self._captions = captions
        self._validation = validation
        self._checkpoint = checkpoint
        numbers = simulated.descriptions.shape[1]
        dimension = captions.rows.shape[1]
        self.network = Network(numbers, plan.width, dimension, members=plan.members, dropout=plan.dropout)
        self.network.mean.copy_(torch.from_numpy(np.nanmean(simulated.descriptions, axis=0, dtype=np.float64)))
        self.network.deviation.copy_(
            torch.from_numpy(np.maximum(np.nanstd(simulated.descriptions, axis=0, dtype=np.float64), _SMALLEST))
        )
        self._member, self._step = 0, 0
        self._last = (plan.members - 1, plan.steps)
        self._losses: list[float] = []
        """Of the steps since the last point of the curve."""
        self._tags = torch.from_numpy(simulated.tags)
        if real is not None:
            true = true_of_classes()
            known = frozenset().union(*true)
            self._labels = torch.from_numpy(real.labels)
            self._worth = torch.tensor([[float(text in of) for text in captions.texts] for of in true])
            self._known = torch.tensor([text in known for text in captions.texts])

    def run(self, *, stop: threading.Event | None = None, told: Told | None = None) -> bool:
        """Learn; returns whether it came to the end.

        Raises
        ------
        TrainingError
            The loss is no number any more, or the checkpoint is of another training.
        StorageError
            The checkpoint cannot be written.
        """
        plan = self._plan
        state = self._resume()
        while self._member < plan.members:
            optimizer, schedule = self._begin(state)
            state = None
            member = self.network.members[self._member].train()
            while self._step < plan.steps:
                self._losses.append(self._learn(member, optimizer, schedule))
                self._step += 1
                at_a_point = self._step % plan.every == 0 or self._step == plan.steps
                stopped = stop is not None and stop.is_set() and (self._member, self._step) != self._last
                if at_a_point:
                    self._mark(member)
                if at_a_point or stopped:
                    self._save(optimizer, schedule)
                if told:
                    told(
                        self._member * plan.steps + self._step,
                        plan.members * plan.steps,
                        self.curve[-1] if self.curve else None,
                    )
                if stopped:
                    return False
            self._member, self._step = self._member + 1, 0
        self.network.eval()
        return True

    def _begin(self, state: dict[str, Any] | None) -> tuple[torch.optim.Optimizer, Any]:
        plan = self._plan
        if state is None:
            torch.manual_seed(plan.seed * 1000 + self._member)
            for layer in self.network.members[self._member].modules():
                if isinstance(layer, torch.nn.Linear):
                    layer.reset_parameters()
        optimizer = torch.optim.AdamW(
            self.network.members[self._member].parameters(), lr=plan.rate, weight_decay=plan.decay
        )
        warm = max(1, round(_WARM * plan.steps))

        def share(step: int) -> float:
            return min((step + 1) / warm, (1 + math.cos(math.pi * max(0, step - warm) / plan.steps)) / 2)

        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, share)
        if state is not None:
            optimizer.load_state_dict(state["optimizer"])
            schedule.load_state_dict(state["schedule"])
            torch.set_rng_state(state["random"])
        return optimizer, schedule

    def _learn(self, member: torch.nn.Module, optimizer: torch.optim.Optimizer, schedule: Any) -> float:  # noqa: ANN401
        """Take one step; returns its loss."""
        plan, rows = self._plan, self._captions.rows
        number = int(plan.batch * plan.real_share) if self._real is not None else 0
        chosen = torch.randint(len(self._simulated), (plan.batch - number,))
        descriptions = torch.from_numpy(self._simulated.descriptions[chosen.numpy()])
        worth = self._captions.worth(self._tags[chosen], incidental=plan.incidental)
        known = ~self._captions.open_to(self._tags[chosen])
        taken = torch.empty(0, dtype=torch.int64)
        if self._real is not None and number:
            taken = torch.randint(len(self._real), (number,))
            view = torch.randint(self._real.descriptions.shape[1], (number,))
            shown = torch.from_numpy(self._real.descriptions[taken.numpy(), view.numpy()])
            descriptions = torch.cat([descriptions, shown])
            worth = torch.cat([worth, self._worth[self._labels[taken]]])
            known = torch.cat([known, self._known.expand(number, -1)])
        noise = plan.noise_alone if self._real is None else plan.noise
        standard = self.network.standardize(descriptions)
        embedded = functional.normalize(member(standard + noise * torch.randn_like(standard)), dim=-1)
        loss = contrastive(embedded @ rows.T, worth, known, temperature=plan.temperature)
        value = float(loss.detach())
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        steepness = torch.nn.utils.get_total_norm([each.grad for each in member.parameters() if each.grad is not None])
        if not (math.isfinite(value) and bool(torch.isfinite(steepness))):
            raise TrainingError(self._lost(chosen, taken))
        optimizer.step()
        schedule.step()
        return value

    def _lost(self, chosen: Tensor, taken: Tensor) -> str:
        sources = [str(self._simulated.sources[place]) for place in chosen.tolist()]
        sources += [self._real.sources[place] for place in taken.tolist()] if self._real else []
        return (
            f"The loss is no number any more at step {self._step + 1} of member {self._member + 1}. "
            f"Look at the tiles of that batch: {'; '.join(sources)}."
        )

    def _mark(self, member: torch.nn.Module) -> None:
        member.eval()
        precision = self._validation.measure(
            lambda rows: functional.normalize(member(self.network.standardize(rows)), dim=-1)
        )
        member.train()
        self.curve.append(Point(self._member, self._step, float(np.mean(self._losses)), precision))
        self._losses.clear()

    def _save(self, optimizer: torch.optim.Optimizer, schedule: Any) -> None:  # noqa: ANN401
        if self._checkpoint is None:
            return
        content = io.BytesIO()  # of what the disk refuses, the library makes errors of its own
        torch.save(
            {
                "plan": _written(self._plan),
                "from": self._identity(),
                "member": self._member,
                "step": self._step,
                "network": self.network.state_dict(),
                "optimizer": optimizer.state_dict(),
                "schedule": schedule.state_dict(),
                "random": torch.get_rng_state(),
                "curve": [asdict(point) for point in self.curve],
                "losses": self._losses,
            },
            content,
        )
        partial = self._checkpoint.with_suffix(".part")
        with disk_errors("writing", partial, after="Make room and run the same command again: it goes on from here."):
            partial.write_bytes(content.getbuffer())
            partial.replace(self._checkpoint)

    def _resume(self) -> dict[str, Any] | None:
        if self._checkpoint is None or not self._checkpoint.exists():
            return None
        state = read_checkpoint(self._checkpoint, self._plan)
        if state["from"] != self._identity():
            raise _another(self._checkpoint)
        self.network.load_state_dict(state["network"])
        self._member, self._step = state["member"], state["step"]
        self.curve = [Point(**point) for point in state["curve"]]
        self._losses = state["losses"]
        return state

    def _identity(self) -> str:
        """Hash what, besides the plan, a checkpoint must have in common with the run that goes on from it."""
        real = (self._real.descriptions, self._real.labels) if self._real else ()
        return _digest(self._simulated.descriptions, self._simulated.tags, *real, self._captions.rows.numpy())


def read_checkpoint(path: Path, plan: Plan) -> dict[str, Any]:
    """Read a checkpoint of a plan.

    Raises
    ------
    TrainingError
        It is damaged, or of another plan.
    """
    try:
        state: dict[str, Any] = torch.load(path, weights_only=True)
        theirs = state["plan"]
    except Exception as error:  # the library raises many kinds
        raise TrainingError(f"The checkpoint {path} is damaged: remove it, and the training begins again.") from error
    if theirs != _written(plan):
        raise _another(path)
    return state


def _another(path: Path) -> TrainingError:
    return TrainingError(
        f"The checkpoint {path} is of another training (another plan, other tiles or words): name another folder with "
        "--out, or remove it."
    )


def _written(plan: Plan) -> str:
    return json.dumps(asdict(plan), sort_keys=True)


def _digest(*arrays: NDArray[np.generic]) -> str:
    sums = hashlib.sha256()
    for array in arrays:
        sums.update(np.ascontiguousarray(array).data)
    return sums.hexdigest()
