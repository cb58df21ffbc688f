"""What decides the result of a training run."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Recipe:
    """Everything that decides the result, but for the numbers' last digits. Steps are of `batch` pictures.

    engine: as in `Network.forward`. The network that comes with numcam was trained by the plain one.
    """

    seed: int = 0
    singles: int = 12_000
    pairs: int = 6_000
    batch: int = 32
    engine: str = "plain"
    crop_side: int = 128
    crop_steps: int = 1_200
    whole_steps: int = 2_000
    finish_steps: int = 1_000
    presence_steps: int = 450
    share_of_pairs: float = 0.35
    finish_share_of_pairs: float = 0.5
    crop_rate: float = 1.5e-3
    whole_rate: float = 1e-3
    finish_rate: float = 6e-4
    presence_rate: float = 4e-4
    weight_decay: float = 1e-3
    centring: float = 0.006
    finish_sharing: float = 0.05

    @property
    def steps(self) -> int:
        return self.crop_steps + self.whole_steps + self.finish_steps + self.presence_steps
