# SPDX-License-Identifier: MIT
"""From a network in Python to an answer over HTTP: see Tools/walks/run."""

import argparse
import base64
import json
import os
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

CLASSES = ("circle", "square", "triangle")
# What SwiftNet's probabilities may differ by from Python's.
TOLERANCE = 1e-4


def picture(index: int, side: int = 260) -> tuple[Image.Image, int]:
    """A shape somewhere on a noisy ground, and its class."""
    random = np.random.default_rng(index)
    ground = random.integers(0, 90, (side, side + 60, 3), dtype=np.uint8)
    image = Image.fromarray(ground)
    draw = ImageDraw.Draw(image)
    kind = index % len(CLASSES)
    radius, x, y = (int(value) for value in random.integers((40, 90, 90), (75, side - 30, side - 90)))
    color = tuple(int(value) for value in random.integers(120, 255, 3))
    if kind == 0:
        draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=color)
    elif kind == 1:
        draw.rectangle((x - radius, y - radius, x + radius, y + radius), fill=color)
    else:
        draw.polygon(((x, y - radius), (x - radius, y + radius), (x + radius, y + radius)), fill=color)
    return image, kind


class Walk:
    """Steps with their times, in a folder of their own."""

    def __init__(self, program: str, folder: Path) -> None:
        self.program = str(Path(program).resolve())
        self.folder = folder
        self.times: list[tuple[str, float]] = []
        self.environment = {**os.environ, "SWIFTNET_WEIGHTS": str(folder / "models")}
        (folder / "models").mkdir()

    def step(self, title: str, work: Callable[[], object]) -> object:
        start = time.monotonic()
        result = work()
        self.times.append((title, time.monotonic() - start))
        return result

    def swiftnet(self, *arguments: str) -> str:
        """Runs the program; its standard output."""
        def work() -> str:
            answer = subprocess.run(
                [self.program, *arguments], cwd=self.folder, env=self.environment, capture_output=True, text=True)
            if answer.returncode != 0:
                raise SystemExit(f"swiftnet {' '.join(arguments)}: {answer.stderr}")
            if answer.stderr:
                print(answer.stderr.strip())
            return answer.stdout

        return str(self.step("swiftnet " + " ".join(arguments), work))

    def serve(self, model: str, path: str, bodies: list[bytes], type: str) -> list[dict[str, object]]:
        """Starts a server, posts to it, and stops it; the first question once more, to be timed. Answers: the JSON of each."""
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            address = f"127.0.0.1:{free.getsockname()[1]}"
        start = time.monotonic()
        log = (self.folder / "serve.log").open("w")
        server = subprocess.Popen(
            [self.program, "serve", "--model", model, "--bind", address, "--workers", "1", "--timeout", "300"], cwd=self.folder,
            env=self.environment, stderr=log)
        try:
            def ask(body: bytes) -> dict[str, object]:
                request = urllib.request.Request(f"http://{address}{path}", body, {"Content-Type": type})
                with urllib.request.urlopen(request, timeout=300) as answer:
                    data = answer.read()
                    length = int(answer.headers.get("Inference-Header-Content-Length", len(data)))
                # Outputs that are asked for in binary stand behind the JSON, in its order.
                result, place = json.loads(data[:length]), length
                for output in result.get("outputs", ()):
                    if size := output.get("parameters", {}).get("binary_data_size"):
                        output["data"] = np.frombuffer(data[place:place + size], "<f4")
                        place += size
                return result

            while True:
                try:
                    first = ask(bodies[0])
                    break
                except urllib.error.URLError:
                    if server.poll() is not None or time.monotonic() - start > 60:
                        raise SystemExit((self.folder / "serve.log").read_text()) from None
                    time.sleep(0.01)
            self.times.append((f"swiftnet serve --model {model}, to its first answer", time.monotonic() - start))
            self.step(f"POST {path}", lambda: ask(bodies[0]))
            return [first, *map(ask, bodies[1:])]
        finally:
            server.terminate()
            server.wait(timeout=120)
            log.close()


def resnet18(walk: Walk) -> np.ndarray:
    """Fine-tunes torchvision's ResNet-18 for three shapes and saves its state dict."""
    import torch
    from torchvision import models
    from torchvision.transforms import Compose, InterpolationMode, Normalize, PILToTensor, Resize, CenterCrop, ConvertImageDtype

    prepare = Compose([
        Resize(256, interpolation=InterpolationMode.BILINEAR), CenterCrop(224), PILToTensor(), ConvertImageDtype(torch.float32),
        Normalize((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
    ])  # fmt: skip
    torch.manual_seed(1)
    model = models.resnet18(weights=None)
    model.fc = torch.nn.Linear(512, len(CLASSES))

    def train() -> None:
        optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
        model.train()
        for epoch in range(4):
            batch = [picture(100 + 24 * epoch + index) for index in range(24)]
            logits = model(torch.stack([prepare(image) for image, _ in batch]))
            loss = torch.nn.functional.cross_entropy(logits, torch.tensor([kind for _, kind in batch]))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        model.eval()
        torch.save(model.state_dict(), walk.folder / "shapes.pth")

    walk.step("fine-tuning and torch.save (Python)", train)
    with torch.inference_mode():
        expected = model(prepare(photo(walk)).unsqueeze(0)).softmax(1)[0].numpy()
    print(walk.swiftnet("add", "shapes", "shapes.pth", "--labels", "labels.txt"), end="")
    return expected


def timm(walk: Walk) -> np.ndarray:
    """Exports a ViT of timm as a program."""
    import timm
    import torch

    torch.manual_seed(2)
    model = timm.create_model("vit_tiny_patch16_224", num_classes=len(CLASSES)).eval()
    config = timm.data.resolve_model_data_config(model)

    def export() -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            program = torch.export.export(model, (torch.zeros(1, 3, 224, 224),))
            torch.export.save(program, walk.folder / "vit.pt2")

    walk.step("torch.export.save (Python)", export)
    prepare = timm.data.create_transform(**config)
    with torch.inference_mode():
        expected = model(prepare(photo(walk)).unsqueeze(0)).softmax(1)[0].numpy()
    walk.swiftnet("inspect", "vit.pt2")
    # One number stands for all channels.
    mean, std = (
        ",".join(map(str, config[key][:1] if len(set(config[key])) == 1 else config[key])) for key in ("mean", "std"))
    short = str(int(224 / config["crop_pct"]))
    print(walk.swiftnet(
        "add", "shapes-vit", "vit.pt2", "--labels", "labels.txt", "--mean", mean, "--std", std, "--resize", short,
        "--interpolation", config["interpolation"]), end="")
    return expected


def keras(walk: Walk) -> np.ndarray:
    """Translates a MobileNetV2 of Keras to ONNX."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    import keras
    import tensorflow as tf
    import tf2onnx

    keras.utils.set_random_seed(3)
    model = keras.applications.MobileNetV2(weights=None, classes=len(CLASSES), input_shape=(224, 224, 3))

    def export() -> None:
        signature = [tf.TensorSpec((1, 224, 224, 3), tf.float32, name="image_input")]
        tf2onnx.convert.from_function(
            tf.function(lambda image_input: model(image_input, training=False), input_signature=signature),
            input_signature=signature, output_path=str(walk.folder / "shapes.onnx"))

    walk.step("tf2onnx (Python)", export)
    # What keras.applications.mobilenet_v2.preprocess_input does, on both sides brought to 224.
    pixels = np.asarray(photo(walk).resize((224, 224), Image.Resampling.BILINEAR), np.float32)
    expected = model(pixels[None] / 127.5 - 1, training=False).numpy()[0]
    walk.swiftnet("inspect", "shapes.onnx")
    print(walk.swiftnet(
        "add", "shapes-keras", "shapes.onnx", "--labels", "labels.txt", "--mean", "0.5", "--std", "0.5", "--resize", "0"), end="")
    return expected


def segmentation(walk: Walk) -> None:
    """torchvision's DeepLabV3 with its two maps, by each exporter: from `infer --output` and from the server, against PyTorch."""
    import torch
    from torchvision import models

    side = 96
    torch.manual_seed(4)
    model = models.segmentation.deeplabv3_mobilenet_v3_large(weights=None, weights_backbone=None, aux_loss=True)
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.momentum = None
    with torch.no_grad():
        model(torch.randn(4, 3, side, side))
    model.eval()
    pixels = torch.from_numpy(np.array(photo(walk).resize((side, side), Image.Resampling.BILINEAR)))
    mean, std = torch.tensor((0.485, 0.456, 0.406)), torch.tensor((0.229, 0.224, 0.225))
    numbers = ((pixels.float() / 255 - mean) / std).permute(2, 0, 1).unsqueeze(0).contiguous()
    with torch.inference_mode():
        expected = {name: values.numpy() for name, values in model(numbers).items()}

    def compare(where: str, maps: dict[str, np.ndarray]) -> None:
        if set(maps) != set(expected):
            raise SystemExit(f"{where}: outputs {sorted(maps)}, expected {sorted(expected)}")
        for name, values in expected.items():
            error = np.abs(maps[name] - values).max() / np.abs(values).max()
            same = (maps[name].argmax(1) == values.argmax(1)).mean()
            print(f"{where}: '{name}' {values.shape}, differs by {error:.0e} of the largest, same class {same:.2%}")
            if error > TOLERANCE:
                raise SystemExit(1)

    inputs = [
        {"name": "image", "datatype": "BYTES", "shape": [1], "data": [base64.b64encode((walk.folder / "photo.png").read_bytes()).decode()]},
        {"name": "input", "datatype": "FP32", "shape": list(numbers.shape), "data": numbers.flatten().tolist()},
    ]
    bodies = [json.dumps({"inputs": [tensor], "parameters": {"binary_data_output": True}}).encode() for tensor in inputs]
    for form in ("pt2", "onnx", "dynamo"):
        path = walk.folder / f"{form}.{'pt2' if form == 'pt2' else 'onnx'}"
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            if form == "pt2":
                torch.export.save(torch.export.export(model, (numbers,)), path)
            else:
                torch.onnx.export(
                    model, (numbers,), str(path), input_names=["picture"], output_names=list(expected), dynamo=form == "dynamo",
                    verbose=False)
        walk.swiftnet("infer", "--weights", path.name, "--size", str(side), "--output", f"{form}.npz", "photo.png")
        compare(f"{form} by infer --output", dict(np.load(walk.folder / f"{form}.npz")))
        walk.swiftnet("add", form, path.name)
        for way, answer in zip(inputs, walk.serve(form, f"/v2/models/{form}/infer", bodies, "application/json")):
            maps = {output["name"]: np.array(output["data"], np.float32).reshape(output["shape"]) for output in answer["outputs"]}
            compare(f"{form} by the server, {way['name']}", maps)


def photo(walk: Walk) -> Image.Image:
    return Image.open(walk.folder / "photo.png").convert("RGB")


def compare_classes(walk: Walk, model: str, expected: np.ndarray) -> None:
    """Asks the program and the server for the photo's probabilities."""
    local = json.loads(walk.swiftnet("infer", "--json", "--model", model, "photo.png"))
    served = walk.serve(model, f"/predict/{model}", [(walk.folder / "photo.png").read_bytes()], "image/png")[0]
    for where, scores in (("infer", local["scores"]), ("serve", [served["scores"][name] for name in CLASSES])):
        difference = float(np.abs(np.array(scores) - expected).max())
        print(
            f"{where}: {CLASSES[int(np.argmax(scores))]}, Python says {CLASSES[int(expected.argmax())]}, "
            f"probabilities differ by {difference:.0e}")
        if difference > TOLERANCE:
            raise SystemExit(1)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--program", required=True)
    parser.add_argument("name", choices=("resnet18", "timm", "keras", "segmentation"))
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        picture(7)[0].save(folder / "photo.png")
        (folder / "labels.txt").write_text("\n".join(CLASSES) + "\n")
        walk = Walk(options.program, folder)
        if options.name == "segmentation":
            segmentation(walk)
        else:
            names = {"resnet18": "shapes", "timm": "shapes-vit", "keras": "shapes-keras"}
            compare_classes(walk, names[options.name], {"resnet18": resnet18, "timm": timm, "keras": keras}[options.name](walk))
        for title, seconds in walk.times:
            print(f"{seconds:7.2f} s  {title}")


if __name__ == "__main__":
    main()
