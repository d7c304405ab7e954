# SPDX-License-Identifier: MIT
"""The server behind a proxy that understands requests in its own way."""

import contextlib
import pathlib
import shutil
import subprocess
import tempfile
import time

from client import BLANK, Client, Closed, ask
from scenarios import scenario
from server import Server, free_port, wait_until
from wire import CASES

CONFIGURATION = """
daemon off; worker_processes 1; pid {folder}/pid; error_log {folder}/error;
events {{}}
http {{
    log_format backs '$upstream_status';
    access_log {folder}/access backs;
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/1; uwsgi_temp_path {folder}/2; scgi_temp_path {folder}/3;
    underscores_in_headers on; ignore_invalid_headers off; proxy_request_buffering off;
    upstream swiftnet {{ server {back}; keepalive 1; }}
    server {{
        listen 127.0.0.1:{port}; keepalive_timeout 1;
        location / {{ proxy_pass http://swiftnet; proxy_http_version 1.1; proxy_set_header Connection ""; }}
    }}
}}
"""


@contextlib.contextmanager
def nginx(back):
    """A proxy that lets through as much as it can be told to, over one connection to the server; address and log."""
    if not shutil.which("nginx"):
        raise RuntimeError("nginx is not installed")
    folder = tempfile.mkdtemp(prefix="swiftnet-soak-")
    port = free_port()
    pathlib.Path(folder, "conf").write_text(CONFIGURATION.format(folder=folder, port=port, back=back))
    process = subprocess.Popen(["nginx", "-p", folder, "-e", f"{folder}/error", "-c", f"{folder}/conf"])
    try:
        address = f"127.0.0.1:{port}"
        wait_until(lambda: ask(address, "GET", "/healthz").status == 200)
        yield address, pathlib.Path(folder, "access")
    finally:
        process.terminate()
        process.wait()
        shutil.rmtree(folder, ignore_errors=True)


def good_answers(log):
    """How many requests the proxy has passed on and seen answered well."""
    return sum(status.strip() == "200" for status in log.read_text().splitlines())


@scenario("F14", "proxy")
def proxy(mode, options, report):
    """The malformed requests through nginx, each followed by another client's request (wants nginx)."""
    with Server(mode, tcp=True, workers=1) as server, nginx(server.tcp) as (front, log):
        # The proxy writes its line when the client has its answer already.
        wait_until(lambda: good_answers(log) >= 1)
        time.sleep(0.5)
        probes = good_answers(log)
        other = answered = good = 0
        for index, (name, data) in enumerate(CASES.items()):
            with Client(front, timeout=2) as client, contextlib.suppress(Closed, OSError):
                # Not finished: a proxy takes that for a client that is gone.
                client.send(data)
                while True:
                    good += client.answer().status == 200
                    answered += 1
            header = [f"X-Request-Id: other-{index}"]
            answer = ask(front, "POST", "/inference", BLANK, header)
            if answer.status != 200 or answer.headers["x-request-id"] != f"other-{index}":
                other += 1
                report.note("another client's answer was wrong behind", name)
        time.sleep(1)
        report.note("requests, and as many of others", len(CASES))
        report.note("answers to them, good ones among them", f"{answered}, {good}")
        report.check("other clients' answers that were wrong", other, "==", 0)
        report.check("good answers to them, each to a request that the proxy knows",
                     good + len(CASES) - (good_answers(log) - probes), "<=", 0)
        report.check("requests executed, but for those", server.images() - (good_answers(log) - probes), "==", 0)
        report.check("workers that died", server.metric("worker_restarts_total"), "==", 0)
