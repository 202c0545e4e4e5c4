"""What a training run was asked for."""

from __future__ import annotations

from dataclasses import dataclass

from gradline.descent.options import Sgd


@dataclass(frozen=True)
class Request:
    """What was asked for, and which engine took it and why."""

    sgd: Sgd
    optimizer: str
    loss: str
    reduction: str
    epochs: int
    batch_size: int | None
    standardize: bool
    seed: int | None
    dtype: str
    """Of `Run.model`, and of the loop where there was one."""
    device: str
    engine: str
    why: str
    delta: float = 1.0
    """Of the Huber loss."""
    lr_schedule: str = "constant"
    average: int = 0
    shuffle: bool = True
    """Whether batches were drawn anew each epoch."""

    @property
    def computed_in(self) -> str:
        """The dtype whose range the loss can leave: compiled engines compute in float64 whatever the model's is."""
        return self.dtype if self.engine == "autograd" else "float64"

    @property
    def heading(self) -> str:
        """Where the run is heading: "exact", "decayed" (the exact answer less weight decay), or "elsewhere"."""
        if self.loss != "mse":
            return "elsewhere"
        if not self.sgd.weight_decay:
            return "exact"
        return "decayed" if self.smooth else "elsewhere"

    @property
    def smooth(self) -> bool:
        """Full-batch SGD on the squared loss: what the closed form knows, whichever engine ran."""
        return self.loss == "mse" and self.constant and self.batch_size is None

    @property
    def constant(self) -> bool:
        """SGD at one rate from beginning to end, and no averaging: what the formulas are about."""
        return self.optimizer == "sgd" and self.lr_schedule == "constant" and not self.average
