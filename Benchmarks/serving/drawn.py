# SPDX-License-Identifier: MIT
"""Pictures that are drawn, the same each time."""

import json
import random


def digits(count):
    """Grey pictures of 28 x 28: a thick random stroke each, so that the model has something to say of them."""
    generator = random.Random(1)
    pictures = []
    for _ in range(count):
        pixels = [0] * 784
        x, y = generator.uniform(8, 20), generator.uniform(6, 12)
        for _ in range(40):
            x = min(max(x + generator.uniform(-1.5, 1.5), 4), 23)
            y = min(max(y + generator.uniform(-0.8, 1.6), 4), 23)
            for row in range(int(y) - 1, int(y) + 2):
                for column in range(int(x) - 1, int(x) + 2):
                    pixels[row * 28 + column] = min(255, pixels[row * 28 + column] + generator.randrange(60, 160))
        pictures.append(json.dumps({"images": pixels}).encode())
    return pictures
