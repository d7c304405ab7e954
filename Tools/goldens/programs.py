# SPDX-License-Identifier: MIT
"""Writes small programs of torch.export and what PyTorch answers for them into Tests/TorchExportTests/Goldens.

    Tools/goldens/run programs

Each `NAME.pt2` is what `torch.export.save` wrote, with the members compressed and without the texts that say where in
Python each node comes from; `NAME-decomposed.pt2` is the same after
`run_decompositions()`. `NAME.golden` has the inputs and the answers of both. `plain.pt2` is left as it was written.
"""

import io
import json
import sys
import warnings
import zipfile
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from golden import PROJECT, write_golden

GOLDENS = PROJECT / "Tests" / "TorchExportTests" / "Goldens"
ORIGIN = {"torch": torch.__version__.split("+")[0], "script": "Tools/goldens/programs.py"}


def shrink(data: bytes, version: dict[str, int] | None = None) -> bytes:
    """The archive with compressed members, without sample inputs and stack traces."""
    source = zipfile.ZipFile(io.BytesIO(data))
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name in source.namelist():
            if "/sample_inputs/" in name:
                continue
            content = source.read(name)
            if name.endswith("models/model.json"):
                program = json.loads(content)
                for node in program["graph_module"]["graph"]["nodes"]:
                    stack = node["metadata"].get("nn_module_stack")
                    node["metadata"] = {"nn_module_stack": stack} if stack else {}
                program["guards_code"] = []
                content = json.dumps(program).encode()
            entry = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, content)
    return target.getvalue()


def flat(result: object) -> list[Tensor]:
    if isinstance(result, Tensor):
        return [result]
    if isinstance(result, dict):
        return flat(list(result.values()))
    return [tensor for item in result for tensor in flat(item)]  # type: ignore[attr-defined]


def write(
    name: str, model: nn.Module, inputs: Sequence[Tensor], dynamic: object = None, plain: bool = False,
    run: Sequence[Tensor] | None = None,
) -> None:
    """Exports a model in both forms and writes its answers; `run` are the inputs to answer, if others than the exported.

    Nothing is written of a model that is not among those that the command names, if it names any."""
    if sys.argv[1:] and name not in sys.argv[1:]:
        return
    model = model.eval()
    for suffix in ("", "-decomposed"):
        program = torch.export.export(model, tuple(inputs), dynamic_shapes=dynamic)
        if suffix:
            program = program.run_decompositions()
        buffer = io.BytesIO()
        torch.export.save(program, buffer)
        data = buffer.getvalue() if plain else shrink(buffer.getvalue())
        (GOLDENS / f"{name}{suffix}.pt2").write_bytes(data)
    given = list(run or inputs)
    with torch.no_grad():
        answers = flat(model(*[tensor.clone() for tensor in given]))
    tensors = {f"input{index}": tensor.float() for index, tensor in enumerate(given)}
    tensors |= {f"output{index}": tensor.float() for index, tensor in enumerate(answers)}
    write_golden(GOLDENS / f"{name}.golden", {"program": name, "inputs": len(given), "outputs": len(answers), **ORIGIN}, tensors)


class Case(nn.Module):
    """A function as a module."""

    def __init__(self, function: object) -> None:
        super().__init__()
        self.function = function

    def forward(self, *inputs: Tensor) -> object:
        return self.function(*inputs)  # type: ignore[operator]


def numbers(*shape: int) -> Tensor:
    return torch.randn(*shape)


# MARK: Operators


def unary(x: Tensor) -> list[Tensor]:
    positive = x.abs() + 0.1
    return [
        F.relu(x), F.relu6(x), F.silu(x), F.mish(x), x.abs(), -x, x.sign(), x.ceil(), x.floor(), x.round(),
        F.hardswish(x), F.hardsigmoid(x), x.sigmoid(), x.tanh(), x.erf(), positive.reciprocal(), positive.sqrt(),
        x.exp(), positive.log(), x.sin(), x.cos(), x.atan(), F.gelu(x), F.gelu(x, approximate="tanh"),
        F.leaky_relu(x, 0.2), F.elu(x), F.elu(x, 0.5), F.selu(x), F.celu(x, 0.7), F.softplus(x, 2, 3),
        F.hardtanh(x, -0.5, 0.7), x.clamp(-0.3, 0.4), x.clamp(min=0.1), x.clamp(max=0.2), F.softshrink(x, 0.3),
        F.hardshrink(x, 0.3), positive.rsqrt(), x.square(), x.expm1(), positive.log1p(), F.logsigmoid(x),
        F.threshold(x, 0.1, 5), F.glu(x, 1), F.prelu(x, torch.full((4,), 0.25)), x.isnan(), (x > 0).logical_not(),
        F.softsign(x), F.tanhshrink(x),
    ]


def binary(x: Tensor, y: Tensor) -> list[Tensor]:
    positive = x.abs() + 0.2
    whole = torch.arange(24).reshape(2, 3, 4) - 7
    return [
        x + y, x - y, x * y, x / (y.abs() + 1), torch.add(x, y, alpha=2), torch.sub(x, y, alpha=0.5), x + 2, 3 - x,
        x * 2.5, x / 3, 2 / positive, x // 0.3, torch.div(x, 0.3, rounding_mode="trunc"), torch.fmod(x, 0.4),
        torch.remainder(x, 0.4), torch.minimum(x, y), torch.maximum(x, y), torch.max(x, y), positive ** 1.7, x ** 2,
        2 ** x, positive ** y, x == y, x != y, x < y, x <= 0.1, x > 0, x >= y, (x > 0) & (y > 0), (x > 0) | (y > 0),
        (x > 0) ^ (y > 0), torch.logical_and(x, y > 0), torch.addcmul(x, x, y, value=0.5),
        torch.addcdiv(x, x, positive, value=2), torch.lerp(x, y.expand_as(x), 0.3), whole / 3, whole // 3, whole % 5,
        whole + 0.5, whole * x, x.clamp(y, y + 1), torch.rsub(x, y), torch.div(whole, 4, rounding_mode="trunc"),
    ]


def reductions(x: Tensor) -> list[Tensor]:
    values, places = x.max(1)
    top, where = x.topk(2, -1)
    variance, mean = torch.var_mean(x, 2)
    return [
        x.mean((2, 3)), x.mean(-1, keepdim=True), x.mean(), x.sum(1), x.sum((0, 2), keepdim=True), x.sum(), x.amax(1),
        x.amin((2, 3)), x.logsumexp(1), x.prod(1), values, places, x.min(2, keepdim=True)[0], x.argmax(1), x.argmax(),
        x.argmin(2, keepdim=True), (x > 1).any(1), (x > -3).all(2), (x > 1).any(), x.var(1), x.std((2, 3)),
        x.var(1, unbiased=False), variance, mean, x.norm(dim=1), x.norm(1, 2), x.cumsum(1), top, where, x.max(), x.min(),
        F.normalize(x, dim=1), torch.linalg.vector_norm(x, float("inf"), 1), (x > 0).sum(1),
    ]


def shapes(x: Tensor) -> list[Tensor]:
    first, second = x.split([1, 3], 1)
    a, b, c = x.chunk(3, 2)
    parts = x.unbind(1)
    return [
        x.reshape(2, -1), x.view(2, 4, 30), x.flatten(1), x.flatten(1, 2), x.unflatten(1, (2, -1)), x.permute(0, 2, 3, 1),
        x.transpose(1, 3), x.swapaxes(0, 1), x.movedim(1, -1), x.movedim((0, 1), (2, 0)), x.unsqueeze(1), x[:1].squeeze(0),
        x[:1].squeeze(), x[:, :1].expand(-1, 3, -1, -1), x[:, :1].expand_as(x), x[:, 1:3], x[:, :, ::2], x[..., -2:],
        x[:, 1], x[:, -1], x.narrow(2, 1, 3), first, second, a, b, c, parts[0], parts[3], torch.cat([x, x], 1),
        torch.stack([x, -x], 1), x.repeat(1, 2, 1, 1), x.tile(2), x.roll(2, 1), x.roll((1, -2), (2, 3)), x.roll(3),
        x.flip(1), x.flip((2, 3)), F.pad(x, (1, 2)), F.pad(x, (1, 0, 2, 1), value=3), F.pad(x, (1, 2, 1, 1), mode="reflect"),
        F.pad(x, (1, 2, 1, 1), mode="replicate"), F.pad(x, (1, 2, 1, 1), mode="circular"), F.pad(x, (-1, 1)),
        F.pixel_shuffle(x, 2), F.pixel_unshuffle(x[:, :, :4, :4], 2), x.repeat_interleave(2, 1), x.reshape_as(x.flatten(2)),
        x[:, 0].t() if x.dim() == 3 else x[0, 0].t(), x.view_as(x), x.contiguous(), x.tensor_split(3, 2)[0],
        F.channel_shuffle(x, 2),
    ]


def bits(x: Tensor) -> list[Tensor]:
    whole = x.view(torch.int32)
    # The absolute values, by the sign's bit.
    return [whole, (whole & 0x7FFFFFFF).view(torch.float32)]


def folds(x: Tensor) -> list[Tensor]:
    columns = F.unfold(x, (3, 2), dilation=(1, 2), padding=(1, 2), stride=(2, 1))
    return [
        columns, F.fold(columns, (7, 6), (3, 2), dilation=(1, 2), padding=(1, 2), stride=(2, 1)),
        F.unfold(x[0], 2, stride=3), F.fold(F.unfold(x[0], 2), (7, 6), 2),
    ]


def selections(x: Tensor) -> list[Tensor]:
    places = torch.tensor([2, 0, -1])
    rows = torch.tensor([[0, 1], [2, 1]])
    ones = torch.ones(2, 4, 5, 6)
    return [
        x[:, places], x[:, places, places], x[places[:2] * 0, :, places[:2]], x[:, rows], x[:, :, places, places],
        x.index_select(2, torch.tensor([1, 0])), F.embedding(rows, x[0, 0]), x.gather(1, torch.zeros(2, 1, 5, 6).long()),
        torch.where(x > 0, x, -1.0), torch.where(x > 0, x, ones), x.masked_fill(x > 0, -2), x.tril(), x.triu(1),
        torch.full((2, 3), 7.0), torch.zeros(2, 3), torch.ones_like(x), torch.arange(5) + x[0, 0, 0, 0],
        torch.arange(2, 9, 2).float(), torch.linspace(0, 1, 5), torch.eye(3), torch.eye(3, 4), x.new_zeros(2, 2), x.new_full((2,), 3),
        F.one_hot(torch.tensor([0, 2, 1]), 4), x.double().float(), x.to(torch.float64).to(x.dtype), (x > 0).float(),
        x.half().float() * 0, x.type_as(x), x.scatter(1, torch.zeros(2, 1, 5, 6).long(), ones),
        torch.tensor([1.5, 2.5]) * 2, x.isinf(), x.select_scatter(x[:, 0] * 2, 1, 2), x.slice_scatter(x[:, :2] + 1, 1, 1, 3),
    ]


def puts(x: Tensor) -> list[Tensor]:
    y, z, w = x.clone(), x.clone(), x.clone()
    y[:, torch.tensor([2, -1])] = 3.0
    z[torch.tensor([0, 1]), :, torch.tensor([3, 1])] = x[:, :, 0] * 2
    w[:, :, torch.tensor([[0, 1], [4, 2]]), torch.tensor([5, 0])] = x[:, :, :2, :2] + 1
    add = torch.ops.aten.index_put.default
    return [
        y, z, w, add(x, [torch.tensor([1, 0, 1])], x[:1] * 3, True),
        add(x, [None, torch.tensor([1, 1, 3]), torch.tensor([[0], [2]])], torch.ones(6), True),
    ]


def in_place(x: Tensor) -> list[Tensor]:
    y = x.clone()
    a = F.relu_(y + 0)
    b = (y * 2).add_(1).mul_(0.5)
    c = y + 0
    d = c[:, 1:3]
    d.mul_(10)
    e = y + 0
    e[:, 0] = 5
    e[:, :, ::2] += 1
    f = y + 0
    g = f.view(2, -1)
    g[:, :7].zero_()
    h = y + 0
    h.transpose(1, 2)[:, 0].fill_(2)
    i = y + 0
    j = i.unsqueeze(0)
    i.sub_(3)
    k = torch.zeros(4, 5)
    for count, rows in enumerate((slice(0, -3), slice(-3, -1), slice(-1, None))):
        for columns in (slice(0, -2), slice(-2, None)):
            k[rows, columns] = count
    m = y + 0
    m.copy_(y[:, :1])
    n = y + 0
    F.hardtanh_(n.clamp_(min=0), 0, 1)
    return [a, b, c, d, e, f, g, h, i, j, k, m, n, F.dropout(y, 0.5, False, True), F.silu(y + 0, inplace=True)]


def products(x: Tensor, y: Tensor) -> list[Tensor]:
    torch.manual_seed(5)
    weight = torch.linspace(-1, 1, 42).reshape(7, 6)
    bias = torch.linspace(0, 1, 7)
    return [
        F.linear(x, weight, bias), F.linear(x, weight), x @ weight.t(), x[0] @ weight.t(), torch.addmm(bias, x[0], weight.t()),
        torch.addmm(bias, x[0], weight.t(), alpha=2, beta=0.5), torch.bmm(x, y), x @ y, torch.matmul(x[0], y[0]), torch.mm(x[0], y[0]),
        torch.einsum("bij,bjk->bik", x, y), torch.einsum("b i j, k j -> b k i", x, weight), torch.baddbmm(x @ y, x, y, alpha=0.5),
        F.linear(x, y[0].t()), x[0, 0] @ y[0], torch.dot(x[0, 0], x[0, 1]), torch.mv(x[0], x[0, 0]),
    ]


def attention(q: Tensor, k: Tensor, v: Tensor) -> list[Tensor]:
    mask = torch.linspace(-1, 1, 30).reshape(5, 6)
    return [
        F.scaled_dot_product_attention(q, k, v), F.scaled_dot_product_attention(q, k, v, attn_mask=mask),
        F.scaled_dot_product_attention(q, k, v, attn_mask=mask > 0), F.scaled_dot_product_attention(q, k, v, scale=0.3),
        F.scaled_dot_product_attention(q, k[:, :, :5], v[:, :, :5], is_causal=True), (q @ k.transpose(-2, -1)).softmax(-1) @ v,
        F.scaled_dot_product_attention(q, k[:, :1], v[:, :1], enable_gqa=True),
    ]


def images(x: Tensor) -> list[Tensor]:
    return [
        F.interpolate(x, scale_factor=2), F.interpolate(x, size=(7, 9)), F.interpolate(x, size=(7, 9), mode="bilinear"),
        F.interpolate(x, size=(7, 9), mode="bilinear", align_corners=True), F.interpolate(x, scale_factor=1.6, mode="bilinear"),
        F.interpolate(x, size=(9, 4), mode="bicubic"), F.interpolate(x, scale_factor=2, mode="bicubic", align_corners=True),
        F.interpolate(x, size=(3, 4), mode="bilinear", antialias=True), F.interpolate(x, size=(3, 4), mode="bicubic", antialias=True),
        F.interpolate(x, size=(3, 11), mode="nearest-exact"), F.interpolate(x[0], scale_factor=2, mode="linear"),
        F.interpolate(x, scale_factor=1.6, mode="bilinear", recompute_scale_factor=True),
    ]


def softmaxes(x: Tensor) -> list[Tensor]:
    return [
        x.softmax(1), x.softmax(-1), x.log_softmax(1), F.layer_norm(x, (6,)), F.layer_norm(x, (5, 6), torch.ones(5, 6) * 2),
        F.layer_norm(x, (6,), torch.arange(6.0), torch.ones(6), 1e-3), F.group_norm(x, 2), F.instance_norm(x),
        F.rms_norm(x, (6,), torch.arange(6.0), 1e-6), F.rms_norm(x, (6,)),
    ]


class Windows(nn.Module):
    """Every kind of convolution and pooling."""

    def __init__(self) -> None:
        super().__init__()
        self.plain = nn.Conv2d(4, 6, 3, padding=1)
        self.strided = nn.Conv2d(4, 6, (3, 5), stride=2, padding=(1, 2), bias=False)
        self.dilated = nn.Conv2d(4, 4, 3, dilation=2, padding=2, groups=2)
        self.depthwise = nn.Conv2d(4, 4, 3, padding=1, groups=4)
        self.same = nn.Conv2d(4, 5, 4, padding="same")
        self.valid = nn.Conv2d(4, 5, 2, padding="valid")
        self.line = nn.Conv1d(4, 5, 3, padding=1)
        self.back = nn.ConvTranspose2d(4, 6, 3, stride=2, padding=1, output_padding=1, groups=2)
        self.norm = nn.BatchNorm2d(6)
        self.norm.running_mean.uniform_(-1, 1)
        self.norm.running_var.uniform_(0.5, 1.5)
        self.plainNorm = nn.BatchNorm2d(4, affine=False)
        self.volume = nn.Conv3d(2, 3, 2)

    def forward(self, x: Tensor) -> list[Tensor]:
        padded = F.max_pool2d(x, 3, 2, 1)
        return [
            self.plain(x), self.strided(x), self.dilated(x), self.depthwise(x), self.same(x), self.valid(x),
            self.line(x[:, :, 0]), self.back(x), self.norm(self.plain(x)), self.plainNorm(x), padded, F.max_pool2d(x, 2),
            F.max_pool2d(x, 3, 2, ceil_mode=True), F.max_pool2d(x, 2, 1, dilation=2), F.avg_pool2d(x, 3, 2, 1),
            F.avg_pool2d(x, 3, 2, 1, count_include_pad=False), F.avg_pool2d(x, 3, 2, ceil_mode=True), F.avg_pool1d(x[:, :, 0], 2),
            F.adaptive_avg_pool2d(x, 1), F.adaptive_avg_pool2d(x, (3, 2)), F.adaptive_max_pool2d(x, 2), F.adaptive_avg_pool1d(x[:, :, 0], 2),
            self.volume(x.unflatten(1, (2, 2))), self.plain(x[0]), F.max_pool2d(x[0], 2),
        ]


# MARK: Programs


class Tiny(nn.Module):
    """A little classifier with in-place operators."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(8)
        self.head = nn.Linear(8, 5)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu_(self.norm(self.conv(x)))
        x = F.dropout(F.adaptive_avg_pool2d(x, 1).flatten(1), 0.2, self.training)
        return self.head(x)


class Shared(nn.Module):
    """Tied weights, a transposed one, a buffer that is not saved, a lifted constant, weights in channels-last order."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(6, 6)
        self.second = nn.Linear(6, 6)
        self.second.weight = self.first.weight
        self.flipped = nn.Parameter(self.first.weight.detach().t())
        self.conv = nn.Conv2d(3, 4, 3).to(memory_format=torch.channels_last)
        self.register_buffer("shift", torch.linspace(0, 1, 6), persistent=False)

    def forward(self, x: Tensor, image: Tensor) -> dict[str, Tensor]:
        y = self.second(self.first(x)) + self.shift + torch.tensor([1.0, 2, 3, 4, 5, 6])
        return {"rows": y @ self.flipped, "image": self.conv(image)}


class Sizes(nn.Module):
    """Numbers that follow from the input's sizes."""

    def forward(self, x: Tensor) -> list[Tensor]:
        n, c, h, w = x.shape
        flat = x.reshape(n, c, h * w).transpose(1, 2)
        windows = x.view(n, c, h // 2, 2, w // 2, 2).permute(0, 2, 4, 1, 3, 5).reshape(-1, c, 4)
        return [flat, windows, torch.zeros(n, h - 1) + h, x.expand(n, c, h, w) * (w / h), F.interpolate(x, size=(h * 2, w + 1))]


class Quiet(nn.Module):
    """Graphs within the graph."""

    def forward(self, x: Tensor) -> Tensor:
        with torch.no_grad():
            y = x * 2
        with torch.autocast("cpu", enabled=False):
            y = y.relu() + 1
        return y - x


def main() -> None:
    warnings.filterwarnings("ignore")
    GOLDENS.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(1)
    write("unary", Case(unary), [numbers(2, 4, 3)])
    write("binary", Case(binary), [numbers(2, 3, 4), numbers(3, 1)])
    write("reductions", Case(reductions), [numbers(2, 3, 4, 5)])
    write("shapes", Case(shapes), [numbers(2, 4, 5, 6)])
    write("selections", Case(selections), [numbers(2, 4, 5, 6)])
    write("in-place", Case(in_place), [numbers(2, 4, 5)])
    write("products", Case(products), [numbers(2, 5, 6), numbers(2, 6, 5)])
    write("attention", Case(attention), [numbers(2, 3, 5, 4), numbers(2, 3, 6, 4), numbers(2, 3, 6, 4)])
    write("images", Case(images), [numbers(1, 2, 5, 6)])
    write("normalizations", Case(softmaxes), [numbers(2, 4, 5, 6)])
    write("windows", Windows(), [numbers(2, 4, 8, 9)])
    write("plain", Tiny(), [numbers(1, 3, 6, 5)], plain=True)
    write("shared", Shared(), [numbers(2, 6), numbers(1, 3, 5, 5)])
    batch, height, width = (torch.export.Dim(name, min=2, max=64) for name in ("batch", "height", "width"))
    write(
        "sizes", Sizes(), [numbers(3, 2, 8, 6)], run=[numbers(1, 2, 4, 10)],
        dynamic=({0: torch.export.Dim("batch"), 2: 2 * height, 3: 2 * width},))
    write("half", Tiny().half(), [numbers(1, 3, 6, 5).half()])
    write("quiet", Quiet(), [numbers(2, 3)])
    write("bits", Case(bits), [numbers(2, 3)])
    write("puts", Case(puts), [numbers(2, 4, 5, 6)])
    write("folds", Case(folds), [numbers(2, 3, 7, 6)])
    # The names of what AOTInductor packs, without the code.
    with zipfile.ZipFile(GOLDENS / "compiled.pt2", "w") as archive:
        for name in ("archive_format", "data/aotinductor/model/model.wrapper.so"):
            archive.writestr(zipfile.ZipInfo(f"compiled/{name}", (1980, 1, 1, 0, 0, 0)), "pt2")


if __name__ == "__main__":
    main()
