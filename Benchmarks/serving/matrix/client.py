# SPDX-License-Identifier: MIT
"""A client as people have it: Python's `requests`, a call for each file, one by one, by threads or by processes.

    python client.py URL KIND single|threads|processes PARALLEL FILES INPUTS ROUNDS

INPUTS is a pickled list of (body, expected answer), taken in turn. Asks all files ROUNDS times, or until the rounds have taken
ENOUGH seconds. Prints one line of JSON, a list with an entry for each round: seconds, and of each call the milliseconds; how many
failed, and how many answers were not the expected ones.
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
# Seconds after which no further round is begun: a long round needs no second one.
ENOUGH = 12


def body(kind, data):
    if kind == "base64":
        return json.dumps({"images": [base64.b64encode(data).decode()]}).encode()
    return data


def answer(text):
    """The digit, or the label of a photo's turn; SwiftNet answers a list of images by a list."""
    text = text.strip()
    if not text.startswith("{"):
        return text
    value = json.loads(text)
    return str(value["predictions"][0]["label"] if "predictions" in value else value["label"])


def ask(arguments):
    """One file: milliseconds, and whether it went well: "right", "wrong" or "failed"."""
    url, kind, data, expected = arguments
    start = time.perf_counter()
    try:
        response = requests.post(url, data=body(kind, data), headers=HEADERS[kind], timeout=120)
        outcome = "failed" if response.status_code != 200 else "right" if answer(response.text) == expected else "wrong"
    except (requests.RequestException, ValueError, KeyError):
        outcome = "failed"
    return (time.perf_counter() - start) * 1000, outcome


def timed(run):
    """A round: seconds, and what came of each call."""
    start = time.perf_counter()
    results = run()
    seconds = time.perf_counter() - start
    outcomes = [outcome for _, outcome in results]
    return {
        "seconds": seconds, "milliseconds": [round(value, 3) for value, _ in results],
        "failed": outcomes.count("failed"), "wrong": outcomes.count("wrong"),
    }


def repeated(run, rounds):
    """Rounds, until there are enough."""
    results = []
    while len(results) < rounds and sum(result["seconds"] for result in results) < ENOUGH:
        results.append(timed(run))
    return results


def main():
    url, kind, mode, parallel, files, path, rounds = sys.argv[1:]
    with open(path, "rb") as file:
        inputs = pickle.load(file)
    calls = [(url, kind, *inputs[index % len(inputs)]) for index in range(int(files))]
    if mode == "single":
        results = repeated(lambda: [ask(call) for call in calls], int(rounds))
    elif mode == "threads":
        with ThreadPoolExecutor(int(parallel)) as pool:
            results = repeated(lambda: list(pool.map(ask, calls)), int(rounds))
    else:
        with multiprocessing.Pool(int(parallel)) as pool:
            # The processes are there before the clock runs: they are the client's, not the server's.
            pool.map(len, ["x"] * int(parallel))
            chunk = max(1, len(calls) // int(parallel) // 4)
            results = repeated(lambda: pool.map(ask, calls, chunksize=chunk), int(rounds))
    print(json.dumps(results))


if __name__ == "__main__":
    main()
