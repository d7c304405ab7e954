# SPDX-License-Identifier: MIT
"""Networks of torchvision and timm, by SwiftNet and by PyTorch: see Tools/zoo/zoo.

Weights are drawn with a seed; the statistics of batch norms come from passes over random pictures. An answer is right if its
largest number stands at the same place and no number differs by more than 1e-4 of the largest; where PyTorch's own 32-bit answer is no
closer to what it computes in 64 bits, from that. Each file is run at every level of
kernels that the processor has, and counts by its worst.
"""

import argparse
import copy
import json
import os
import re
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import timm
import torch
import torchvision
from torch import Tensor, nn

PROJECT = Path(__file__).resolve().parents[2]
TABLE = PROJECT / "Documentation" / "Zoo.md"
TOLERANCE = 1e-4
FORMS = ("pt2", "decomposed", "onnx", "dynamo", "weights")
# What a level takes of the processor, as /proc/cpuinfo names it.
LEVELS = {"portable": (), "avx2": ("avx2", "fma"), "avx512": ("avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl")}

# Name and side of the pictures; networks that take any size get small ones.
TORCHVISION = {
    "alexnet": 224, "vgg11": 224, "vgg11_bn": 224, "resnet18": 96, "resnet34": 96, "resnet50": 96, "resnext50_32x4d": 96,
    "wide_resnet50_2": 96, "mobilenet_v2": 96, "mobilenet_v3_small": 96, "mobilenet_v3_large": 96, "efficientnet_b0": 96,
    "efficientnet_b1": 96, "efficientnet_b2": 96, "efficientnet_v2_s": 96, "efficientnet_v2_m": 96, "convnext_tiny": 96,
    "convnext_small": 96, "densenet121": 96, "densenet161": 96, "densenet169": 96, "densenet201": 96, "regnet_y_400mf": 96,
    "regnet_y_800mf": 96, "regnet_y_1_6gf": 96, "regnet_y_3_2gf": 96, "regnet_x_400mf": 96, "regnet_x_800mf": 96,
    "regnet_x_1_6gf": 96, "regnet_x_3_2gf": 96, "squeezenet1_0": 96, "squeezenet1_1": 96, "shufflenet_v2_x0_5": 96,
    "shufflenet_v2_x1_0": 96, "shufflenet_v2_x1_5": 96, "shufflenet_v2_x2_0": 96, "mnasnet0_5": 96, "mnasnet1_0": 96,
    "googlenet": 96, "inception_v3": 128, "deeplabv3_mobilenet_v3_large": 96, "lraspp_mobilenet_v3_large": 96, "vit_b_16": 224, "vit_b_32": 224, "swin_t": 224, "swin_v2_t": 256, "maxvit_t": 224,
}
TIMM = {
    "resnet18d": 96, "resnet26d": 96, "resnet50d": 96, "seresnet50": 96, "resnetblur50": 96, "resnetaa50": 96, "ecaresnet26t": 96,
    "tf_efficientnet_b0": 96, "tf_efficientnet_lite0": 96, "tf_efficientnetv2_b0": 96, "tf_efficientnetv2_s": 96, "mobilenetv3_small_100": 96,
    "mobilenetv3_large_100": 96, "tf_mobilenetv3_small_100": 96, "mobilenetv4_conv_small": 96, "mobilenetv2_100": 96, "mnasnet_100": 96,
    "fbnetc_100": 96, "spnasnet_100": 96, "mixnet_s": 96, "convnext_atto": 96, "convnext_nano": 96, "convnextv2_atto": 96,
    "vit_tiny_patch16_224": 224, "vit_small_patch16_224": 224, "vit_tiny_r_s16_p8_224": 224, "deit_tiny_patch16_224": 224,
    "deit_tiny_distilled_patch16_224": 224, "deit3_small_patch16_224": 224, "beit_base_patch16_224": 224, "cait_xxs24_224": 224,
    "swin_tiny_patch4_window7_224": 224, "levit_128s": 224, "mobilevit_xxs": 96, "mobilevit_s": 256, "mobilevitv2_050": 256,
    "efficientformer_l1": 224, "efficientvit_b0": 96, "efficientvit_m0": 224, "fastvit_t8": 256, "edgenext_xx_small": 96, "poolformer_s12": 224,
    "pvt_v2_b0": 224, "mixer_s32_224": 224, "resmlp_12_224": 224, "gmlp_ti16_224": 224, "ghostnet_100": 96, "ghostnetv2_100": 96, "hrnet_w18_small": 96,
    "dla34": 96, "dla46_c": 96, "dpn48b": 96, "vovnet39a": 96, "ese_vovnet19b_dw": 96, "selecsls42b": 96, "skresnet18": 96, "res2net50_26w_4s": 96,
    "resnest14d": 96, "repvgg_a0": 96, "mobileone_s0": 96, "nfnet_l0": 96, "eca_nfnet_l0": 96, "dm_nfnet_f0": 96, "regnetx_002": 96, "regnety_002": 96,
    "rexnet_100": 96, "hardcorenas_a": 96, "lcnet_050": 96, "tinynet_e": 106, "xcit_nano_12_p16_224": 224, "visformer_tiny": 224, "convmixer_768_32": 96,
    "coatnet_nano_rw_224": 224, "crossvit_tiny_240": 240, "twins_pcpvt_small": 224, "volo_d1_224": 224, "tnt_s_legacy_patch16_224": 224, "convit_tiny": 224,
    "focalnet_tiny_srf": 224, "davit_tiny": 224, "maxvit_tiny_rw_224": 224, "hiera_tiny_224": 224, "inception_next_tiny": 96, "rdnet_tiny": 96, "tf_mixnet_s": 96,
    "cspresnet50": 96, "cspdarknet53": 96, "darknet53": 256, "xception41": 128, "inception_resnet_v2": 128, "inception_v4": 128, "sequencer2d_s": 224,
    "starnet_s1": 96, "repvit_m0_9": 96, "ghostnetv3_100": 96, "nextvit_small": 224, "tiny_vit_5m_224": 224, "shvit_s1": 224, "hgnetv2_b0": 96,
}  # fmt: skip


class Map(nn.Module):
    """A network of segmentation, which answers with a dictionary, by its map alone."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, picture: Tensor) -> Tensor:
        return self.network(picture)["out"]


def make(name: str) -> nn.Module:
    """The network with seeded weights and statistics."""
    torch.manual_seed(len(name))
    if name in TORCHVISION:
        extra = {"init_weights": True} if name in ("googlenet", "inception_v3") else {}
        if name in ("deeplabv3_mobilenet_v3_large", "lraspp_mobilenet_v3_large"):
            extra["weights_backbone"] = None
        model = torchvision.models.get_model(name, weights=None, **extra)
        if name in ("googlenet", "inception_v3"):
            model.aux_logits = False
            for part in ("aux1", "aux2", "AuxLogits"):
                if hasattr(model, part):
                    setattr(model, part, None)
    else:
        model = timm.create_model(name, pretrained=False)
    if hasattr(model, "backbone"):
        model = Map(model)
    for parameter in model.parameters():
        # What begins at zero would hide what stands behind it; layer scales of 1e-6 too.
        if parameter.dim() <= 1 or parameter.abs().max() < 1e-3:
            parameter.data.add_(torch.randn_like(parameter) * 0.1)
    return model


def calibrate(model: nn.Module, side: int) -> None:
    norms = [module for module in model.modules() if isinstance(module, nn.modules.batchnorm._BatchNorm)]
    if norms:
        for norm in norms:
            norm.reset_running_stats()
            norm.momentum = None
        model.train()
        with torch.no_grad():
            for _ in range(2):
                model(torch.randn(4, 3, side, side))
    model.eval()


def export(form: str, model: nn.Module, picture: Tensor, path: Path) -> Path:
    if form == "weights":
        path = path.with_suffix(".pth")
        torch.save(model.state_dict(), path)
    elif form in ("pt2", "decomposed"):
        path = path.with_suffix(".pt2")
        program = torch.export.export(model, (picture,))
        if form == "decomposed":
            program = program.run_decompositions()
        torch.export.save(program, path)
    else:
        path = path.with_suffix(".onnx")
        torch.onnx.export(model, (picture,), str(path), dynamo=form == "dynamo", verbose=False)
    return path


def compare(
    runner: str, level: str, path: Path, picture: Tensor, expected: Tensor, exact: Callable[[], Tensor]
) -> dict[str, object]:
    """Runs a file and compares the answer.

    exact: PyTorch's answer in 64 bits, asked for where the one in 32 bits is too far away.
    """
    given, got = path.with_suffix(".in"), path.with_suffix(".out")
    picture.numpy().astype("<f4").tofile(given)
    side = [str(size) for size in picture.shape[2:]]
    environment = {**os.environ, "SWIFTNET_ISA": level}
    result = subprocess.run(
        [runner, str(path), str(given), str(got), *side], capture_output=True, text=True, timeout=300, env=environment
    )
    if result.returncode != 0:
        fault = (result.stderr.strip().splitlines() or [f"exit code {result.returncode}"])[-1]
        return {"fault": fault if "no known architecture" not in fault else "no network"}
    report = json.loads(result.stdout)
    answer = torch.from_numpy(np.fromfile(got, "<f4")).reshape(expected.shape)
    largest = expected.abs().max().item()
    report["difference"] = (answer - expected).abs().max().item() / largest
    # The classes of a picture, or of each pixel.
    report["same"] = bool((answer.argmax(1) == expected.argmax(1)).all())
    if report["difference"] > TOLERANCE or not report["same"]:
        right = exact()
        report["exact"] = (answer - right).abs().max().item() / largest
        report["pytorch"] = (expected - right).abs().max().item() / largest
        report["same_as_exact"] = bool((answer.argmax(1) == right.argmax(1)).all())
    return report


def run(name: str, runner: str, wanted: dict[str, list[str]]) -> dict[str, object]:
    """Runs a network.

    wanted: the levels to run of each form. Answers: for each form a result by level.
    """
    side = {**TORCHVISION, **TIMM}[name]
    row: dict[str, object] = {"name": name, "side": side}
    model = make(name)
    calibrate(model, side)
    row["parameters"] = sum(parameter.numel() for parameter in model.parameters())
    picture = torch.randn(1, 3, side, side, generator=torch.Generator().manual_seed(7))
    with torch.no_grad():
        expected = model(picture)

    def exact() -> Tensor:
        with torch.no_grad():
            return copy.deepcopy(model).double()(picture.double())

    for form, levels in wanted.items():
        with tempfile.TemporaryDirectory() as folder:
            start = time.monotonic()
            try:
                # Weights that fit several networks are told apart by the file's name.
                path = export(form, model, picture, Path(folder) / name)
            except Exception as error:  # noqa: BLE001
                row[form] = {level: {"fault": f"PyTorch does not export it: {type(error).__name__}"} for level in levels}
                print(f"{name} {form}: {type(error).__name__}: {str(error)[:500]}", flush=True)
                continue
            results: dict[str, object] = {}
            for level in levels:
                try:
                    results[level] = compare(runner, level, path, picture, expected, exact)
                except subprocess.TimeoutExpired:
                    results[level] = {"fault": "takes more than 300 s"}
            row[form] = results
            print(f"{name} {form} {time.monotonic() - start:.1f} s {results}", flush=True)
    return row


# MARK: The table


def cell(results: dict[str, dict[str, object]] | None) -> str:
    if not results:
        return "-"
    for result in results.values():
        if "fault" in result:
            return re.sub(r"[|`]", "'", str(result["fault"]))[:160]
    # From 64 bits where PyTorch itself is as far away.
    differences = [result.get("exact", result["difference"]) for result in results.values()]
    right = all(result.get("same_as_exact", result["same"]) for result in results.values()) and max(differences) <= TOLERANCE
    difference = max(differences)
    pytorch = max((result.get("pytorch", 0) for result in results.values()), default=0)
    references = sorted({name for result in results.values() for name in result["references"]})
    text = f"{'right' if right else 'WRONG'} {difference:.0e}" + (f" of 64 bits, PyTorch {pytorch:.0e}" if pytorch else "")
    return text + (", slow: " + " ".join(references) if references else "")


def write_table(rows: dict[str, dict[str, object]]) -> None:
    ran = {level for row in rows.values() for form in FORMS for level in row.get(form) or ()}
    levels = [level for level in LEVELS if level in ran]
    lines = [
        "# Networks that were run", "",
        "Written by `Tools/zoo/zoo`: networks of torchvision and timm with seeded weights, run by SwiftNet from the file that",
        "PyTorch exports and compared with PyTorch. Right is the same class and no number that differs by more than 1e-4 of the",
        "largest; the number is the largest difference, as a share of the largest number. \"slow\" names operators that run by",
        "references. `pt2` is `torch.export.save`, `decomposed` the same after `run_decompositions()`, `onnx` and `dynamo` are the",
        "two exporters of ONNX, `weights` is only the state dict (\"no network\": it belongs to none that is known). \"-\" was not run.",
        f"Each file was run with the kernels {', '.join(levels)}; the worst counts. Where PyTorch's answer in 32 bits is further than that",
        "from SwiftNet's, both are compared with PyTorch's in 64 bits: \"of 64 bits\".", "",
    ]
    counts = []
    for form in FORMS:
        cells = [cell(row.get(form)) for row in rows.values()]
        ran = [text for text in cells if text not in ("-", "no network") and not text.startswith("PyTorch does not")]
        if ran:
            counts.append(f"{form} {sum(text.startswith('right') for text in ran)} of {len(ran)}")
    lines += ["Right: " + ", ".join(counts) + ".", "", "| network | side | parameters | " + " | ".join(FORMS) + " |"]
    lines.append("|---" * (3 + len(FORMS)) + "|")
    for name, row in sorted(rows.items(), key=lambda item: (item[0] not in TORCHVISION, item[0])):
        millions = f"{row['parameters'] / 1e6:.1f} M"  # type: ignore[operator]
        lines.append(f"| {name} | {row['side']} | {millions} | " + " | ".join(cell(row.get(form)) for form in FORMS) + " |")
    missing = [name for name in (*TORCHVISION, *TIMM) if name not in rows]
    if missing:
        lines += ["", "Not run yet: " + ", ".join(missing) + "."]
    TABLE.write_text("\n".join(lines) + "\n")


def own_levels() -> list[str]:
    """The levels that this processor has."""
    flags = set(re.search(r"flags\s*:(.*)", Path("/proc/cpuinfo").read_text()).group(1).split())  # type: ignore[union-attr]
    return [level for level, needed in LEVELS.items() if flags.issuperset(needed)]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--runner", required=True)
    parser.add_argument("--levels", default=",".join(own_levels()), help="of the kernels")
    parser.add_argument("--forms", default=",".join(FORMS))
    parser.add_argument("--results", default=str(PROJECT / "Tools" / "zoo" / "results.json"), help="where rows are kept between runs")
    parser.add_argument("names", nargs="*")
    options = parser.parse_args()
    warnings.filterwarnings("ignore")
    torch.set_num_threads(1)
    kept = Path(options.results)
    rows = json.loads(kept.read_text()) if kept.exists() else {}
    for name in options.names or [*TORCHVISION, *TIMM]:
        # What was run is run again only by name.
        done = {} if options.names else rows.get(name, {})
        wanted = {
            form: levels
            for form in options.forms.split(",")
            if (levels := [level for level in options.levels.split(",") if level not in (done.get(form) or ())])
        }
        if not wanted:
            continue
        try:
            row = run(name, options.runner, wanted)
        except Exception as error:  # noqa: BLE001
            print(f"{name}: {type(error).__name__}: {str(error)[:200]}", file=sys.stderr, flush=True)
            continue
        for form in wanted:
            if form in row:
                row[form] = {**(done.get(form) or {}), **row[form]}
        rows[name] = {**rows.get(name, {}), **row}
        lines = [f"{json.dumps(name)}: {json.dumps(row, sort_keys=True)}" for name, row in sorted(rows.items())]
        kept.write_text("{\n" + ",\n".join(lines) + "\n}\n")
        write_table(rows)


if __name__ == "__main__":
    main()
