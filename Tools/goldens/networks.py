# SPDX-License-Identifier: MIT
"""Writes two small networks as PyTorch exports them, and what PyTorch answers, into Tests/IntegrationTests/Goldens.

    Tools/goldens/run networks

- `classifier.pt2`: three classes of pictures 32x32, their names inside.
- `segmentation.pt2`, `segmentation.onnx`: a network of DeepLabV3's kind, dilated convolutions side by side, their map brought back
  to the picture's size bilinearly, and a second output.
- `networks.golden`: a picture, as bytes [32, 32, 3] and as the networks take it; what the three answer.
"""

import warnings

import torch
from golden import PROJECT, write_golden
from torch import Tensor, nn
from torch.nn import functional as F

GOLDENS = PROJECT / "Tests" / "IntegrationTests" / "Goldens"
MEAN = torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1)
STD = torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1)


class Classifier(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(3, 8, 3, stride=2, padding=1, bias=False), nn.BatchNorm2d(8), nn.ReLU(inplace=True),
            nn.Conv2d(8, 16, 3, stride=2, padding=1), nn.Hardswish(inplace=True), nn.AdaptiveAvgPool2d(1),
        )  # fmt: skip
        self.head = nn.Linear(16, 3)

    def forward(self, picture: Tensor) -> Tensor:
        return self.head(torch.flatten(self.features(picture), 1))


class Segmentation(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 8, 3, stride=4, padding=1, bias=False), nn.BatchNorm2d(8), nn.ReLU())
        self.branches = nn.ModuleList(nn.Conv2d(8, 4, 3, padding=rate, dilation=rate) for rate in (1, 2, 4))
        self.pool = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Conv2d(8, 4, 1), nn.ReLU())
        self.head = nn.Conv2d(16, 5, 1)

    def forward(self, picture: Tensor) -> tuple[Tensor, Tensor]:
        x = self.stem(picture)
        pooled = F.interpolate(self.pool(x), size=x.shape[-2:], mode="bilinear", align_corners=False)
        coarse = self.head(torch.cat([*(branch(x) for branch in self.branches), pooled], dim=1))
        return F.interpolate(coarse, size=picture.shape[-2:], mode="bilinear", align_corners=False), coarse


def main() -> None:
    warnings.filterwarnings("ignore")
    torch.manual_seed(1932)
    classifier, segmentation = Classifier().eval(), Segmentation().eval()
    y, x, channel = torch.meshgrid(torch.arange(32), torch.arange(32), torch.arange(3), indexing="ij")
    pixels = ((x * (5 + channel) + y * (3 + 2 * channel) + (x * y) // 4) % 256).to(torch.uint8)
    picture = (pixels.permute(2, 0, 1).unsqueeze(0).float() / 255 - MEAN) / STD
    GOLDENS.mkdir(parents=True, exist_ok=True)
    torch.export.save(
        torch.export.export(classifier, (picture,)), GOLDENS / "classifier.pt2", extra_files={"labels.txt": "cat\ndog\nfish"})
    torch.export.save(torch.export.export(segmentation, (picture,)), GOLDENS / "segmentation.pt2")
    torch.onnx.export(
        segmentation, (picture,), str(GOLDENS / "segmentation.onnx"), dynamo=False, input_names=["picture"],
        output_names=["map", "coarse"])
    with torch.inference_mode():
        map, coarse = segmentation(picture)
        tensors = {"pixels": pixels, "picture": picture, "logits": classifier(picture), "map": map, "coarse": coarse}
    write_golden(GOLDENS / "networks.golden", {"torch": torch.__version__.split("+")[0], "script": "Tools/goldens/networks.py"}, tensors)


if __name__ == "__main__":
    main()
