# SPDX-License-Identifier: MIT
"""The documented configurations of nginx and HAProxy, with the addresses and weights of the machines that are there."""

import pathlib
import re
import shutil
import tempfile

from machines import ROOT, Process

EXAMPLES = ROOT / "Examples/cluster"


class Balancer:
    """A balancer on a machine of its own, in front of the others.

    canary: the machine among `machines` that has another version, if there is one.
    """

    def __init__(self, network, kind, machines, canary=None):
        self.kind = kind
        host = network.add("balancer", 2) if network.has_namespaces else "127.77.0.2"
        self.port = 80 if network.has_namespaces else 8077
        self.address = f"{host}:{self.port}"
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="swiftnet-cluster-"))
        others = [machine for machine in machines if machine is not canary]
        self.process = Process(network, "balancer", getattr(self, f"_{kind}")(others, canary))

    def _nginx(self, machines, canary):
        text = replaced((EXAMPLES / "nginx.conf").read_text(), r"(    server 10\.77\.\S+ weight=1 max_fails=1 fail_timeout=5s;\n)+", "".join(
            f"    server {machine.address}:8000 weight=1 max_fails=1 fail_timeout=5s;\n" for machine in machines))
        text = replaced(text, r"listen 80;", f"listen {self.address};")
        if canary:
            text = replaced(text, r"http://swiftnet_machines;", "http://$swiftnet_upstream;")
            more = replaced((EXAMPLES / "nginx-canary.conf").read_text(), r"server 10\.77\.0\.14:8000", f"server {canary.address}:8000")
            text += replaced(more, r"(    server 10\.77\.\S+ backup;\n)+", "".join(
                f"    server {machine.address}:8000 backup;\n" for machine in machines))
        (self.folder / "machines.conf").write_text(text)
        (self.folder / "nginx.conf").write_text(
            f"worker_processes 1; daemon off; pid {self.folder}/pid; error_log stderr notice;\n"
            f"events {{ worker_connections 1024; }}\nhttp {{ access_log off; client_body_temp_path {self.folder}/body;\n"
            f"proxy_temp_path {self.folder}/proxy; fastcgi_temp_path {self.folder}/f; uwsgi_temp_path {self.folder}/u;\n"
            f"scgi_temp_path {self.folder}/s; include {self.folder}/machines.conf; }}\n")
        return [shutil.which("nginx") or "/usr/sbin/nginx", "-p", str(self.folder), "-c", str(self.folder / "nginx.conf")]

    def _haproxy(self, machines, canary):
        text = replaced((EXAMPLES / "haproxy.cfg").read_text(), r"(    server machine\d 10\.77\.\S+ check\n)+", "".join(
            f"    server {machine.name} {machine.address}:8000 check\n" for machine in machines))
        text = replaced(text, r"bind :80\n", f"bind {self.address}\n")
        if canary:
            text = replaced(text, r"    # A machine with another version: (server canary) \S+", rf"    \1 {canary.address}:8000")
            text = replaced(text, r"    # Where it fails at a request, the others answer: (server machine1) \S+",
                            rf"    \1 {machines[0].address}:8000")
        path = self.folder / "haproxy.cfg"
        path.write_text(text)
        return [shutil.which("haproxy") or "/usr/sbin/haproxy", "-db", "-f", str(path)]

    def close(self):
        self.process.kill()
        shutil.rmtree(self.folder, ignore_errors=True)


def replaced(text, pattern, replacement):
    """The text with the one place that is to be another here."""
    text, count = re.subn(pattern, replacement, text)
    assert count == 1, f"the example is written in another way than expected here: {pattern} is there {count} times"
    return text


def is_installed(kind):
    return bool(shutil.which(kind) or pathlib.Path(f"/usr/sbin/{kind}").exists())
