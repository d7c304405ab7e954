# SPDX-License-Identifier: MIT
"""A client as people have it: Python's `requests`, a call for each file, one by one, by threads or by processes.

    python client.py URL KIND single|threads|processes PARALLEL FILES INPUTS

INPUTS is a pickled list of (body, expected answer), taken in turn. Prints one line of JSON: seconds, and of each call the
milliseconds; how many failed, and how many answers were not the expected ones.
"""

import base64
import json
import multiprocessing
import pickle
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import requests

HEADERS = {
    "json": {"Content-Type": "application/json"}, "base64": {"Content-Type": "application/json"},
    "bytes": {"Content-Type": "image/jpeg"},
}


def body(kind, data):
    if kind == "base64":
        return json.dumps({"images": [base64.b64encode(data).decode()]}).encode()
    return data


def answer(response):
    """The digit, or the label of a photo's turn."""
    text = response.text.strip()
    return str(json.loads(text)["label"]) if text.startswith("{") else text


def ask(arguments):
    """One file: milliseconds, and whether it went well: "right", "wrong" or "failed"."""
    url, kind, data, expected = arguments
    start = time.perf_counter()
    try:
        response = requests.post(url, data=body(kind, data), headers=HEADERS[kind], timeout=120)
        outcome = "failed" if response.status_code != 200 else "right" if answer(response) == expected else "wrong"
    except (requests.RequestException, ValueError, KeyError):
        outcome = "failed"
    return (time.perf_counter() - start) * 1000, outcome


def main():
    url, kind, mode, parallel, files, path = sys.argv[1:]
    with open(path, "rb") as file:
        inputs = pickle.load(file)
    calls = [(url, kind, *inputs[index % len(inputs)]) for index in range(int(files))]
    if mode == "single":
        start = time.perf_counter()
        results = [ask(call) for call in calls]
    elif mode == "threads":
        with ThreadPoolExecutor(int(parallel)) as pool:
            start = time.perf_counter()
            results = list(pool.map(ask, calls))
    else:
        with multiprocessing.Pool(int(parallel)) as pool:
            # The processes are there before the clock runs: they are the client's, not the server's.
            pool.map(len, ["x"] * int(parallel))
            start = time.perf_counter()
            results = pool.map(ask, calls, chunksize=max(1, len(calls) // int(parallel) // 4))
    seconds = time.perf_counter() - start
    outcomes = [outcome for _, outcome in results]
    print(json.dumps({
        "seconds": seconds, "milliseconds": [round(value, 3) for value, _ in results],
        "failed": outcomes.count("failed"), "wrong": outcomes.count("wrong"),
    }))


if __name__ == "__main__":
    main()
