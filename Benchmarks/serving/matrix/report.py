# SPDX-License-Identifier: MIT
"""The tables and plots of the matrix."""

import math
import sys
from html import escape
from pathlib import Path

from load import memory_configurations
from servers import configurations

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "peers"))
from plot import readable  # noqa: E402

CLIENTS = ("single", "processes", "threads")
COLOURS = ("#e8572a", "#b03a12", "#2a6fdb", "#123f8a", "#5a9e4b", "#8a94a6", "#c08a1e", "#7a4fb0")


def lines(title, series, x_label, y_label):
    """A chart of lines as SVG, both axes logarithmic. `series` maps a name to its points (x, y)."""
    width, height, left, top, right, bottom = 760, 400, 64, 56, 220, 44
    points = [point for values in series.values() for point in values]
    if not points:
        return ""
    low_x, high_x = (f(math.log10(x) for x, _ in points) for f in (min, max))
    low_y, high_y = (f(math.log10(y) for _, y in points) for f in (min, max))
    low_y, high_y = math.floor(low_y), math.ceil(high_y + 1e-9)

    def place(x, y):
        across = (math.log10(x) - low_x) / ((high_x - low_x) or 1)
        up = (math.log10(y) - low_y) / ((high_y - low_y) or 1)
        return left + across * (width - left - right), height - bottom - up * (height - top - bottom)

    parts = []
    for exponent in range(low_y, high_y + 1):
        _, y = place(10**low_x, 10**exponent)
        parts.append(f'<line x1="{left}" x2="{width - right}" y1="{y:.1f}" y2="{y:.1f}" stroke="#ddd"/>')
        parts.append(f'<text x="{left - 6}" y="{y + 4:.1f}" text-anchor="end">{10**exponent:g}</text>')
    for value in sorted({x for x, _ in points}):
        x, _ = place(value, 10**low_y)
        parts.append(f'<text x="{x:.1f}" y="{height - bottom + 18}" text-anchor="middle">{value:,}</text>')
    parts.append(f'<text x="{(left + width - right) / 2}" y="{height - 8}" text-anchor="middle">{escape(x_label)}</text>')
    parts.append(f'<text x="16" y="{top - 8}">{escape(y_label)}</text>')
    for index, (name, values) in enumerate(series.items()):
        colour = COLOURS[index % len(COLOURS)]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in (place(*point) for point in sorted(values)))
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts.append(
            f'<text x="{width - right + 12}" y="{top + 12 + 18 * index}" style="fill:{colour}">{escape(name)}</text>')
    return svg(title, width, height, parts)


STYLE = "text{font:12px system-ui,sans-serif;fill:#444}.title{font-size:16px;font-weight:600}"


def svg(title, width, height, parts):
    return "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img">',
        f"<title>{escape(title)}</title><style>{STYLE}</style>", f'<rect width="{width}" height="{height}" fill="#fff"/>',
        f'<text x="16" y="30" class="title">{escape(title)}</text>', *parts, "</svg>\n",
    ])


def bars(title, figures, unit):
    """A chart of horizontal bars as SVG, all on one scale from 0. `figures` maps a name to its figure."""
    width, left, right, bar = 760, 250, 110, 18
    longest = max(figures.values(), default=0) or 1
    parts = []
    for index, (name, figure) in enumerate(figures.items()):
        y = 50 + index * bar
        colour = COLOURS[0] if name.startswith("SwiftNet") else COLOURS[5]
        length = max(1.0, figure / longest * (width - left - right))
        parts.append(f'<text x="{left - 8}" y="{y + 12}" text-anchor="end">{escape(name)}</text>')
        parts.append(f'<rect x="{left}" y="{y}" width="{length:.1f}" height="{bar - 4}" fill="{colour}"/>')
        parts.append(f'<text x="{left + length + 6:.1f}" y="{y + 12}">{readable(figure)} {escape(unit)}</text>')
    return svg(title, width, 62 + len(figures) * bar, parts)


class Report:
    def __init__(self, data):
        self.data = data
        self.cells = data["cells"]
        self.names = [configuration.name for configuration in configurations()]

    def sizes(self, kind):
        found = {int(key.split(" | ")[3]) for key in self.cells if key.startswith(kind) and key.split(" | ")[-1].isdigit()}
        return sorted(found)

    def best(self, kind, name, files):
        """The best client's cell, and which client that was."""
        found = [
            (self.cells[key], client) for client in CLIENTS
            if (key := f"{kind} | {name} | {client} | {files}") in self.cells]
        return min(found, key=lambda pair: pair[0]["seconds"]) if found else (None, None)

    def matrix_table(self, kind):
        """Seconds by files, with the client that was fastest, and memory."""
        sizes = self.sizes(kind)
        head = ["server", *(f"{files:,} file{'s' * (files > 1)}" for files in sizes), "requests/s", "p50, ms", "p99, ms", "MiB"]
        rows = []
        for name in self.names:
            cells = [self.best(kind, name, files) for files in sizes]
            if not any(cell for cell, _ in cells):
                continue
            last = next(cell for cell, _ in reversed(cells) if cell)
            rows.append([
                name, *(f"{readable(cell['seconds'])} s, {client}" if cell else "" for cell, client in cells),
                f"{last['requests_per_second']:,.0f}", f"{last['p50']:.1f}", f"{last['p99']:.1f}",
                f"{last['bytes'] / 2**20:.0f}",
            ])
        return table(head, rows)

    def client_table(self, kind, files):
        head = ["server", *(f"{client}: seconds, p99 ms" for client in CLIENTS)]
        rows = []
        for name in self.names:
            row = [name]
            for client in CLIENTS:
                cell = self.cells.get(f"{kind} | {name} | {client} | {files}")
                row.append(f"{readable(cell['seconds'])}, {cell['p99']:.1f}" if cell else "")
            if any(row[1:]):
                rows.append(row)
        return table(head, rows)

    def parallel_table(self, kind):
        counts = (1, 2, 5, 10)
        rows = []
        for name in self.names:
            row = [name]
            for client in ("processes", "threads"):
                for count in counts:
                    cell = self.cells.get(f"{kind} | {name} | {client} by {count} | 100")
                    row.append(readable(cell['seconds']) if cell else "")
            if any(row[1:]):
                rows.append(row)
        return table(["server", *(f"{client} by {count}" for client in ("processes", "threads") for count in counts)], rows)

    def right_table(self):
        rows = []
        for key, cell in self.cells.items():
            if key.endswith("| ten thousand"):
                kind, name, _ = key.split(" | ")
                rows.append([kind, name, *(f"{cell[part]:,}" for part in ("right", "wrong", "failed"))])
        return table(["what", "server", "right", "wrong", "failed"], rows)

    def memory_table(self):
        rows = [
            [key.split(" | ")[1], f"{cell['bytes'] / 2**20:.0f}"] for key, cell in self.cells.items()
            if key.startswith("memory | ")]
        return table(["server", "MiB"], rows)

    def aim(self, name):
        return self.cells.get(f"aim | {name}")

    def aims_table(self):
        """Each aim with what was measured."""
        rows = []

        def ratio(title, aim, ours, theirs):
            first, second = self.aim(ours), self.aim(theirs)
            if first and second:
                values = (first["requests_per_second"], second["requests_per_second"])
                rows.append([title, aim, f"{values[0] / values[1]:.2f}", f"{values[0]:,.0f} and {values[1]:,.0f} requests/s"])

        ratio("JSON digits beside nginx answering a constant", "0.5", "SwiftNet, JSON", "nginx, a constant")
        ratio("binary tensor beside the same", "0.7", "SwiftNet, binary tensor", "nginx, a constant")
        ratio("JSON digits beside nginx that reads the same and answers a constant", "", "SwiftNet, JSON",
              "nginx, a constant to the same requests")
        for backend, aim in (("torch", "40"), ("onnx", "")):
            ratio(f"JSON digits beside gunicorn and Flask, {backend}", aim, "SwiftNet, JSON", f"gunicorn and Flask, {backend}")
        for backend in ("torch", "onnx"):
            ratio(f"JSON digits beside mosec, {backend}", "8", "SwiftNet, JSON", f"mosec, {backend}")
        one, alone = self.aim("SwiftNet, JSON, one connection"), self.aim("the network alone")
        if one and alone:
            added = one["p50"] - alone["median_ms"] * 1000
            nginx = self.aim("nginx, a constant, one connection")
            beside = f"nginx answers a constant in {nginx['p50']:.0f} us" if nginx else ""
            rows.append(["one connection: added to the network's own time, median", "60 us", f"{added:.0f} us", beside])
        steady = self.aim("SwiftNet, JSON, at 70 % of its rate")
        if steady:
            rows.append([
                f"p99 beside the median at {steady['rate']:,} requests/s (70 %)", "4", f"{steady['p99'] / steady['p50']:.1f}",
                f"{steady['p99'] / 1000:.2f} and {steady['p50'] / 1000:.2f} ms"])
        photos = {key.removeprefix("aim | "): cell for key, cell in self.cells.items() if key.startswith("aim | photos")}
        ours = next((cell for name, cell in photos.items() if "SwiftNet" in name), None)
        rivals = {name: cell for name, cell in photos.items() if "SwiftNet" not in name}
        if ours and rivals:
            name, best = max(rivals.items(), key=lambda pair: pair[1]["requests_per_second"])
            rows.append([
                f"photos beside the best rival ({name.split(', ', 1)[1]})", "1.5",
                f"{ours['requests_per_second'] / best['requests_per_second']:.2f}",
                f"{ours['requests_per_second']:.1f} and {best['requests_per_second']:.1f} requests/s"])
        four, six = (self.aim(f"SwiftNet, all models, {workers} workers") for workers in (4, 6))
        if four and six:
            for what, most, bytes_of in (
                ("of four workers with all models", "60 MB", lambda kind: four[kind]),
                ("of each further one", "6 MB", lambda kind: (six[kind] - four[kind]) / 2)):
                rows.append([
                    f"memory {what}", most, f"{bytes_of('bytes') / 1e6:.1f} MB",
                    f"{bytes_of('quiet_bytes') / 1e6:.1f} MB after ten seconds without work" if "quiet_bytes" in four else ""])
        return table(["aim", "at least, at most", "measured", ""], rows)

    def memory(self):
        """Of each way to use more cores: (count, MiB)."""
        series = {}
        for configuration in memory_configurations():
            cell = self.cells.get(f"memory | {configuration.name}")
            if cell:
                name = "SwiftNet" if configuration.is_ours else configuration.family
                kind = "processes" if configuration.workers > 1 else "threads" if configuration.threads > 1 else ""
                if not kind:
                    kind = "threads" if configuration.family == "swiftnet-thread" else "processes"
                count = max(configuration.workers, configuration.threads)
                series.setdefault(f"{name}, {kind}", []).append((count, cell["bytes"] / 2**20))
        return series

    def plots(self):
        """File name to SVG."""
        chosen = [
            name for name in self.names
            if name in ("SwiftNet, 2 processes", "SwiftNet, 2 threads", "Flask, threaded, torch", "gunicorn, 2 workers, torch",
                        "gunicorn, 2 workers, onnx", "mosec, 2 workers, batches, onnx")]
        result = {}
        for kind in ("mnist json", "rotation bytes"):
            series = {
                name: [(files, cell["seconds"]) for files in self.sizes(kind) if (cell := self.best(kind, name, files)[0])]
                for name in chosen}
            slug = kind.split()[0]
            result[f"seconds-{slug}.svg"] = lines(
                f"Seconds by files, {kind}, best client", {name: values for name, values in series.items() if values}, "files",
                "seconds")
            largest = {name: self.best(kind, name, files)[0] for name in self.names for files in self.sizes(kind)[-1:]}
            figures = {name: cell["requests_per_second"] for name, cell in largest.items() if cell}
            if figures:
                result[f"rate-{slug}.svg"] = bars(f"Requests a second, {kind}, 1,000 files, best client", figures, "")
            latency = {}
            for name in chosen:
                cells = [(count, self.cells.get(f"{kind} | {name} | threads by {count} | 100")) for count in (1, 2, 5, 10)]
                values = [(count, cell["p99"]) for count, cell in cells if cell]
                if values:
                    latency[name] = values
            result[f"latency-{slug}.svg"] = lines(
                f"99th percentile by load, {kind}, 100 files", latency, "calls at a time, by threads", "ms")
        result["memory.svg"] = lines("Memory after 3,000 digits", self.memory(), "workers or threads", "MiB")
        return {name: text for name, text in result.items() if text}

    def markdown(self, plots, command):
        data = self.data
        versions = ", ".join(f"{name} {version}" for name, version in data["versions"].items())
        parts = [
            "# Servers and clients, measured", "",
            f"`{command}` on {data['date']}: {data['cpu']}, {data['cores']} cores, which the clients share. Versions: {versions}. "
            "Rivals have one thread of PyTorch or ONNX Runtime in each worker, and mosec's batches reach 32 digits or 8 photos. "
            "Clients call Python's `requests.post`, a connection for each. Memory is PSS of all processes of a server.", "",
        ]
        for kind in ("mnist json", "rotation bytes", "rotation base64"):
            if self.sizes(kind):
                parts += [f"## {kind}", "", "Seconds by the fastest client; the last columns are of the most files.", ""]
                parts += [*self.matrix_table(kind), "", "By client, 100 files:" if 100 in self.sizes(kind) else "By client:", ""]
                parts += [*self.client_table(kind, 100 if 100 in self.sizes(kind) else self.sizes(kind)[-1]), ""]
                if any(f"{kind} |" in key and " by " in key for key in self.cells):
                    parts += ["Seconds for 100 files, by calls at a time:", "", *self.parallel_table(kind), ""]
        parts += ["## Right answers", "", "Each compared with PyTorch's.", "", *self.right_table(), ""]
        parts += ["## Memory after the requests", "", *self.memory_table(), ""]
        parts += ["## Aims", "", *self.aims_table(), ""]
        parts += [f"![{name}](plots/{name})" for name in plots]
        return "\n".join(parts).rstrip() + "\n"


def table(head, rows):
    return ["| " + " | ".join(cells) + " |" for cells in [head, ["---"] * len(head), *rows]]


def write(data, folder, quick):
    report = Report(data)
    if quick:
        print(report.markdown([], "Benchmarks/serving/run matrix --quick"))
        return
    plots = report.plots()
    (folder / "plots").mkdir(exist_ok=True)
    for name, text in plots.items():
        (folder / "plots" / name).write_text(text)
    (folder / "matrix.md").write_text(report.markdown(plots, "Benchmarks/serving/run matrix"))
