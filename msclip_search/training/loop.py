"""Learning: batches of simulated and real tiles, checkpoints, and a curve.

First from simulated tiles, and then, where there are some, from real ones among them. A checkpoint holds everything
that the next step depends on, so that a run which was interrupted ends with the same weights as one that was not.
"""

import math
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from msclip_search.errors import TrainingError
from msclip_search.models.nano.descriptor import Description
from msclip_search.models.nano.network import Network
from msclip_search.training.augmentation import augment
from msclip_search.training.captions import Captions
from msclip_search.training.checkpoint import digest, read_checkpoint, write_checkpoint
from msclip_search.training.examples import Examples
from msclip_search.training.initial import blank_network, initial_network
from msclip_search.training.loss import contrastive
from msclip_search.training.plan import Plan
from msclip_search.training.real import RealExamples, true_of_classes
from msclip_search.training.validation import Validation

_WARM = 0.1
"""Share of the steps over which the learning rate rises."""

STAGES = ("simulated", "real")
"""What is learnt from, in turn."""


@dataclass(frozen=True, slots=True)
class Point:
    """A point of the curve."""

    stage: str
    step: int
    loss: float
    """Mean since the last point."""
    validation: float
    """Mean average precision of the tags over simulated tiles."""


Told = Callable[[int, int, Point | None], None]
"""Told steps done, steps in all, and the last point of the curve."""


class Learner:
    """One run.

    Parameters
    ----------
    plan
        What is asked for.
    simulated
        Tiles to learn from, of one size each: `plan.batch` of the smallest at once, `plan.large_batch` of others.
    real
        Labelled tiles to learn from as well; None learns from simulated ones alone.
    captions
        What they are compared with.
    validation
        Where the curve is measured.
    checkpoint
        File to go on from, and to write; None keeps nothing.
    start
        A network that has learnt from the simulated tiles; None learns from them first.
    """

    def __init__(
        self,
        plan: Plan,
        *,
        simulated: Sequence[Examples],
        real: RealExamples | None,
        captions: Captions,
        validation: Validation,
        checkpoint: Path | None = None,
        start: Network | None = None,
    ) -> None:
        self.curve: list[Point] = []
        self._plan = plan
        self._simulated = sorted(simulated, key=lambda each: each.cells[:1].size)
        self._real = real
        self._captions = captions
        self._validation = validation
        self._checkpoint = checkpoint
        self._steps = (plan.steps,) if real is None else (plan.steps, plan.real_steps)
        self._rates = (plan.rate, plan.real_rate)
        self._stage, self._step = (0, 0) if start is None else (1, 0)
        self._losses: list[float] = []
        """Of the steps since the last point of the curve."""
        if start is None:
            self.network = initial_network(plan, simulated, captions.rows.shape[1])
        else:
            self.network = blank_network(plan, simulated, captions.rows.shape[1])
            self.network.load_state_dict(start.state_dict())
        if real is not None:
            true = true_of_classes()
            known = frozenset().union(*true)
            self._labels = torch.from_numpy(real.labels)
            self._worth = torch.tensor([[float(text in of) for text in captions.texts] for of in true])
            self._known = torch.tensor([text in known for text in captions.texts])

    def run(
        self,
        *,
        stop: threading.Event | None = None,
        told: Told | None = None,
        ended: Callable[[str, Network], None] | None = None,
    ) -> bool:
        """Learn; returns whether it came to the end.

        Parameters
        ----------
        stop
            When set, the step that it is at is the last.
        told
            Told how far it is.
        ended
            Called at the end of each stage, with its name and the network.

        Raises
        ------
        TrainingError
            The loss is no number any more, or the checkpoint is of another training.
        StorageError
            The checkpoint cannot be written.
        """
        state = self._resume()
        total = sum(self._steps)
        while self._stage < len(self._steps):
            optimizer, schedule = self._begin(state)
            state = None
            while self._step < self._steps[self._stage]:
                self._losses.append(self._learn(optimizer, schedule))
                self._step += 1
                done = sum(self._steps[: self._stage]) + self._step
                at_a_point = self._step % self._plan.every == 0 or self._step == self._steps[self._stage]
                stopped = stop is not None and stop.is_set() and done < total
                if at_a_point:
                    self._mark()
                if at_a_point or stopped:
                    self._save(optimizer, schedule)
                if told:
                    told(done, total, self.curve[-1] if self.curve else None)
                if stopped:
                    return False
            if ended:
                ended(STAGES[self._stage], self.network.eval())
            self._stage, self._step = self._stage + 1, 0
        self.network.eval()
        return True

    def _begin(self, state: dict[str, Any] | None) -> tuple[torch.optim.Optimizer, Any]:
        plan, steps = self._plan, self._steps[self._stage]
        if state is None:
            torch.manual_seed(plan.seed * 1000 + self._stage)
        if state is None and self._stage == 0:
            for layer in self.network.modules():
                if isinstance(layer, torch.nn.Linear | torch.nn.Conv2d):
                    layer.reset_parameters()
        optimizer = torch.optim.AdamW(self.network.parameters(), lr=self._rates[self._stage], weight_decay=plan.decay)
        warm = max(1, round(_WARM * steps))

        def share(step: int) -> float:
            return min((step + 1) / warm, (1 + math.cos(math.pi * max(0, step - warm) / steps)) / 2)

        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, share)
        if state is not None:
            optimizer.load_state_dict(state["optimizer"])
            schedule.load_state_dict(state["schedule"])
            torch.set_rng_state(state["random"])
        return optimizer, schedule

    def _learn(self, optimizer: torch.optim.Optimizer, schedule: Any) -> float:  # noqa: ANN401
        """Take one step; returns its loss."""
        plan, network = self._plan, self.network.train()
        parts = list(self._batch())
        said = [network.summarize(augment(network.standardize(part.description), plan)) for part in parts]
        embedded = functional.normalize(network.head(torch.cat(said)), dim=-1)
        worth, known = torch.cat([part.worth for part in parts]), torch.cat([part.known for part in parts])
        loss = contrastive(embedded @ self._captions.rows.T, worth, known, temperature=plan.temperature)
        value = float(loss.detach())
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        steepness = torch.nn.utils.get_total_norm([each.grad for each in network.parameters() if each.grad is not None])
        if not (math.isfinite(value) and bool(torch.isfinite(steepness))):
            raise TrainingError(
                f"The loss is no number any more at step {self._step + 1} among {STAGES[self._stage]} tiles. Look at "
                f"the tiles of that batch: {'; '.join(source for part in parts for source in part.sources)}."
            )
        optimizer.step()
        schedule.step()
        return value

    def _batch(self) -> Iterator["_Part"]:
        """Draw tiles, and what is true of them."""
        plan, captions = self._plan, self._captions
        real = self._real if self._stage == 1 else None
        number_of_real = plan.real_batch if real is not None else 0
        for place, examples in enumerate(self._simulated):
            number = plan.large_batch if place else plan.batch - number_of_real
            chosen = torch.randint(len(examples), (number,)).numpy()
            tags = torch.from_numpy(examples.tags[chosen])
            yield _Part(
                _described(examples.whole[chosen], examples.cells[chosen]),
                captions.worth(tags, incidental=plan.incidental),
                ~captions.open_to(tags),
                [str(source) for source in examples.sources[chosen]],
            )
        if real is not None:
            taken = torch.randint(len(real), (number_of_real,))
            yield _Part(
                _described(real.whole[taken.numpy()], real.cells[taken.numpy()]),
                self._worth[self._labels[taken]],
                self._known.expand(number_of_real, -1),
                [real.sources[place] for place in taken.tolist()],
            )

    def _mark(self) -> None:
        precision = self._validation.measure(self.network.eval())
        self.curve.append(Point(STAGES[self._stage], self._step, float(np.mean(self._losses)), precision))
        self._losses.clear()

    def _save(self, optimizer: torch.optim.Optimizer, schedule: Any) -> None:  # noqa: ANN401
        if self._checkpoint is None:
            return
        state = {
            "stage": self._stage,
            "step": self._step,
            "network": self.network.state_dict(),
            "optimizer": optimizer.state_dict(),
            "schedule": schedule.state_dict(),
            "random": torch.get_rng_state(),
            "curve": [asdict(point) for point in self.curve],
            "losses": self._losses,
        }
        write_checkpoint(self._checkpoint, self._plan, state, data=self._data)

    def _resume(self) -> dict[str, Any] | None:
        if self._checkpoint is None or not self._checkpoint.exists():
            return None
        state = read_checkpoint(self._checkpoint, self._plan, data=self._data)
        self.network.load_state_dict(state["network"])
        self._stage, self._step = state["stage"], state["step"]
        self.curve = [Point(**point) for point in state["curve"]]
        self._losses = state["losses"]
        return state

    @cached_property
    def _data(self) -> str:
        """Digest of what, besides the plan, a checkpoint has in common with the run that goes on from it."""
        real = (self._real.whole, self._real.cells, self._real.labels) if self._real else ()
        simulated = [array for each in self._simulated for array in (each.whole, each.cells, each.tags)]
        return digest(*simulated, *real, self._captions.rows.numpy())


@dataclass(frozen=True, slots=True)
class _Part:
    """Tiles of one size in a batch."""

    description: Description
    worth: Tensor
    """(tiles, captions): how much each caption counts as true."""
    known: Tensor
    """(tiles, captions), bool: whether it is known if it is."""
    sources: list[str]


def _described(whole: NDArray[np.float32], cells: NDArray[np.float16]) -> Description:
    return Description(torch.from_numpy(whole), torch.from_numpy(cells).float())
