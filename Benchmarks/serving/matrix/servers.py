# SPDX-License-Identifier: MIT
"""The servers that are measured: how each is started, and the path at which it answers."""

import os
import socket
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
ROOT = FOLDER.parents[2]
sys.path.insert(0, str(FOLDER.parent))
from server_process import ServerProcess  # noqa: E402

SWIFTNET = Path(os.environ.get("SWIFTNET", ROOT / ".build/release/swiftnet"))


def counted(count, noun):
    plural = noun + ("es" if noun.endswith("s") else "s")
    return f"{count} {noun if count == 1 else plural}"


@dataclass(frozen=True)
class Configuration:
    """One server in one layout."""

    family: str
    workers: int = 1
    threads: int = 1
    backend: str = ""
    nginx: bool = False

    @property
    def name(self):
        workers = counted(self.workers, "worker")
        layout = {
            "swiftnet-process": counted(self.workers, "process"), "swiftnet-thread": counted(self.threads, "thread"),
            "flask": "threaded", "gunicorn": workers + (f", {self.threads} threads" if self.threads > 1 else ""),
            "mosec": f"{workers}, batches",
        }[self.family]
        title = {"swiftnet-process": "SwiftNet", "swiftnet-thread": "SwiftNet", "flask": "Flask"}.get(
            self.family, self.family)
        backend = f", {self.backend}" if self.backend else ""
        return f"{title}, {layout}{backend}" + (" behind nginx" if self.nginx else "")

    @property
    def is_ours(self):
        return self.family.startswith("swiftnet")


def configurations():
    """All of them, ours first. The rivals run PyTorch, as the practices do, and the best layouts ONNX Runtime too."""
    ours = [Configuration("swiftnet-process", workers=count) for count in (1, 2, 4)]
    ours += [Configuration("swiftnet-thread", threads=count) for count in (1, 2, 4)]
    rivals = [Configuration("flask", backend="torch")]
    rivals += [Configuration("gunicorn", workers=count, backend="torch") for count in (1, 2, 4)]
    rivals += [Configuration("gunicorn", threads=count, backend="torch") for count in (2, 4, 6)]
    rivals += [Configuration("gunicorn", workers=2, backend="onnx")]
    rivals += [Configuration("mosec", workers=2, backend=backend) for backend in ("torch", "onnx")]
    behind = [
        Configuration("swiftnet-process", workers=2, nginx=True),
        Configuration("gunicorn", workers=2, backend="torch", nginx=True),
    ]
    return ours + rivals + behind


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


NGINX = """
worker_processes 1; daemon off; pid {folder}/pid; error_log {folder}/error.log;
events {{ worker_connections 1024; }}
http {{
    access_log off; client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
    client_max_body_size 16m; client_body_buffer_size 1m;
    upstream server {{ server 127.0.0.1:{upstream}; keepalive 32; }}
    server {{
        listen 127.0.0.1:{port};
        location / {{ proxy_pass http://server; proxy_http_version 1.1; proxy_set_header Connection ""; }}
        location = /constant {{ return 200 "7"; }}
    }}
}}
"""


class Nginx:
    """nginx before a port, or alone, where /constant answers a constant."""

    def __init__(self, upstream=9):
        self.folder = tempfile.TemporaryDirectory()
        self.port = free_port()
        file = Path(self.folder.name) / "nginx.conf"
        file.write_text(NGINX.format(folder=self.folder.name, upstream=upstream, port=self.port))
        self.server = ServerProcess(["nginx", "-c", file, "-p", self.folder.name], lambda: is_open(self.port))

    def stop(self):
        self.server.stop()
        self.folder.cleanup()


def is_open(port):
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
        return True
    except OSError:
        return False


class Server:
    """A configuration that runs and serves one model."""

    def __init__(self, configuration, model, onnx_folder, is_ready):
        """`is_ready` asks the URL something, and says whether the answer came."""
        self.configuration = configuration
        inner = free_port()
        path = "/predict/rotation" if model == "rotation" else "/inference"
        environment = {
            "BACKEND": configuration.backend, "MODEL": model, "ONNX_FOLDER": str(onnx_folder), "PORT": str(inner),
            "WORKERS": str(configuration.workers), "BATCH": "8" if model == "rotation" else "32",
        }
        url = f"http://127.0.0.1:{inner}{path}"
        self.server = ServerProcess(
            self._command(configuration, model, inner), lambda: is_open(inner) and is_ready(url), environment)
        self.nginx = Nginx(inner) if configuration.nginx else None
        self.port = self.nginx.port if self.nginx else inner
        self.path = path

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}{self.path}"

    @staticmethod
    def _command(configuration, model, port):
        address = f"127.0.0.1:{port}"
        if configuration.is_ours:
            layout = ["--workers", configuration.workers] if configuration.family == "swiftnet-process" else [
                "--threads", configuration.threads]
            mode = configuration.family.removeprefix("swiftnet-")
            return [SWIFTNET, "serve", "--mode", mode, *layout, "--bind", address, "--model", model]
        if configuration.family == "flask":
            return [sys.executable, FOLDER / "flask_app.py"]
        if configuration.family == "mosec":
            return [sys.executable, FOLDER / "mosec_app.py", "--address", "127.0.0.1", "--port", port]
        threads = ["--threads", configuration.threads] if configuration.threads > 1 else []
        return [
            sys.executable, "-m", "gunicorn", "--chdir", FOLDER, "--workers", configuration.workers, *threads, "--bind",
            address, "--log-level", "warning", "flask_app:app",
        ]

    def proportional_bytes(self):
        return self.server.proportional_bytes() + (self.nginx.server.proportional_bytes() if self.nginx else 0)

    def stop(self):
        if self.nginx:
            self.nginx.stop()
        self.server.stop()
