# SPDX-License-Identifier: MIT
"""Writes a training checkpoint of a given size: float32 weights and the two moments of Adam, as torch.save does."""

import argparse

import torch


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("path")
    parser.add_argument("--gigabytes", type=float, default=4.0)
    arguments = parser.parse_args()

    generator = torch.Generator().manual_seed(1)
    side = 2048
    count = max(1, round(arguments.gigabytes * 1e9 / 3 / (side * side * 4)))

    def tensors(scale: float) -> list[torch.Tensor]:
        # One drawn matrix, shifted per layer: the values differ, and making them is quick.
        base = torch.randn(side, side, generator=generator) * scale
        return [base + scale * 1e-3 * layer for layer in range(count)]

    names = [f"module.layers.{layer}.weight" for layer in range(count)]
    state = {
        layer: {"step": torch.tensor(100.0), "exp_avg": first, "exp_avg_sq": second.abs()}
        for layer, (first, second) in enumerate(zip(tensors(1e-3), tensors(1e-6)))
    }
    torch.save(
        {
            "epoch": 3,
            "state_dict": dict(zip(names, tensors(0.05))),
            "optimizer": {"state": state, "param_groups": [{"lr": 1e-3, "params": list(range(count))}]},
        },
        arguments.path,
    )


if __name__ == "__main__":
    main()
