"""The upscaling network: SRVGGNetCompact, a plain chain of 3x3 convolutions at the small size.

Key names (`body.N.weight`) and PReLU follow Real-ESRGAN's compact architecture, so that other tools
read the weights. Flow: float (n, 3, h, w) in 0..1 -> float (n, 3, 4h, 4w), not clamped.
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

__all__ = ["Compact", "receptive_margin_px"]


class Compact(nn.Module):
    """Convolutions at the small size, pixel shuffle, and the enlarged input added at the end."""

    def __init__(self, *, features: int = 32, convolutions: int = 6, scale: int = 4) -> None:
        """Build the network with random weights.

        Args:
            features: channels of every inner layer.
            convolutions: inner layers, between the first and the last one.
            scale: enlargement.
        """
        super().__init__()
        self.scale = scale
        layers: list[nn.Module] = [nn.Conv2d(3, features, 3, 1, 1), nn.PReLU(features)]
        for _ in range(convolutions):
            layers += [nn.Conv2d(features, features, 3, 1, 1), nn.PReLU(features)]
        layers.append(nn.Conv2d(features, 3 * scale * scale, 3, 1, 1))
        self.body = nn.ModuleList(layers)

    def forward(self, small: Tensor) -> Tensor:
        """Return the enlarged picture.

        Args:
            small: float (n, 3, h, w) RGB in 0..1.
        """
        hidden = small
        for layer in self.body:
            hidden = layer(hidden)
        details = functional.pixel_shuffle(hidden, self.scale)
        return details + functional.interpolate(
            small, scale_factor=float(self.scale), mode="nearest"
        )


def receptive_margin_px(convolutions: int) -> int:
    """Return how many small pixels away a pixel can be and still change the result.

    Example:
        >>> receptive_margin_px(6)
        8
    """
    return convolutions + 2
