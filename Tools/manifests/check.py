# SPDX-License-Identifier: MIT
"""Checks files for Kubernetes: each field must be one that the API's and KServe's models have, of the type they say, with what they
require; and the files must fit each other and the program. Started by Tools/manifests/check.

This is no cluster: whether one takes the files is not known from it.
"""

import importlib.metadata
import importlib.util
import os
import pathlib
import re
import subprocess
import sys
import types

import kubernetes.client
import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
FOLDER = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "Examples/kubernetes"
PROGRAM = os.environ.get("SWIFTNET_PROGRAM", str(ROOT / ".build/release/swiftnet"))


def kserve_models():
    """KServe's models without the rest of its package, which would bring a server along."""
    spec = importlib.util.find_spec("kserve")
    package = types.ModuleType("kserve")
    package.__path__ = list(spec.submodule_search_locations)
    sys.modules["kserve"] = package
    configuration = types.ModuleType("kserve.configuration")
    configuration.Configuration = kubernetes.client.Configuration
    sys.modules["kserve.configuration"] = configuration
    import kserve.models

    return kserve.models


KSERVE = kserve_models()


def model_named(name):
    """The model of a type's name; KServe's refer to Kubernetes' own as V1Container or V1ResourceRequirements."""
    return getattr(kubernetes.client, name, None) or getattr(KSERVE, name, None)


def check(value, kind, path, problems):
    """Compares a value with what a model says of its type."""
    if kind.startswith("list["):
        if not isinstance(value, list):
            return problems.append(f"{path}: a list was expected")
        for index, element in enumerate(value):
            check(element, kind[5:-1], f"{path}[{index}]", problems)
    elif kind.startswith("dict("):
        if not isinstance(value, dict):
            return problems.append(f"{path}: a mapping was expected")
        for key, element in value.items():
            check(element, kind[5:-1].split(", ", 1)[1], f"{path}.{key}", problems)
    elif kind in ("str", "int", "bool", "float"):
        expected = {"str": str, "int": int, "bool": bool, "float": (int, float)}[kind]
        if not isinstance(value, expected) or kind != "bool" and isinstance(value, bool):
            problems.append(f"{path}: {kind} was expected, not {value!r}")
    elif (model := model_named(kind)) is not None:
        check_object(value, model, path, problems)
    # Others (object, IntOrString, Quantity) may be anything.


def check_object(value, model, path, problems):
    if not isinstance(value, dict):
        return problems.append(f"{path}: {model.__name__} was expected, not {value!r}")
    names = {text: attribute for attribute, text in model.attribute_map.items()}
    for key, element in value.items():
        if key not in names:
            problems.append(f"{path}: {model.__name__} has no field '{key}'")
        else:
            check(element, model.openapi_types[names[key]], f"{path}.{key}", problems)
    # The models themselves refuse what lacks a required field.
    arguments = {names[key]: element for key, element in value.items() if key in names}
    try:
        model(**arguments)
    except (ValueError, TypeError) as problem:
        problems.append(f"{path}: {str(problem).splitlines()[0]}")


def model_of(document):
    """The model of a document's kind; None if there is none."""
    group, _, version = document.get("apiVersion", "").rpartition("/")
    name = version[:1].upper() + version[1:] + document.get("kind", "")
    return getattr(KSERVE if "kserve" in group else kubernetes.client, name, None)


def check_settings(document, problems):
    """The program itself takes the arguments of its containers, but for files that are not here."""
    text = yaml.safe_dump(document)
    for arguments in re.findall(r"args:\n((?:\s+- .*\n)+)", text):
        flags = [line.strip()[2:].strip("'\"") for line in arguments.splitlines()]
        flags = [flag for flag in flags if not flag.startswith("--api-keys")]
        if "--no-auth" not in flags:
            flags.append("--no-auth")
        flags = [f"--weights={ROOT / 'Weights'}" if flag.startswith("--weights=") else flag for flag in flags]
        result = subprocess.run([PROGRAM, *flags, "--check-config"], capture_output=True, text=True)
        if result.returncode != 0:
            problems.append(f"{document['kind']}: {result.stderr.strip()}")


def check_deployment(document, problems):
    """What belongs together; a part that is missing is a problem too."""
    try:
        check_parts(document, problems)
    except KeyError as missing:
        problems.append(f"{missing} is missing")
    except ValueError as problem:
        problems.append(f"a number was expected: {problem}")


def check_parts(document, problems):
    """The pod's grace is longer than the server takes, its selector meets its labels, its probes its ports."""
    spec = document["spec"]
    pod = spec["template"]["spec"]
    (container,) = pod["containers"]
    flags = dict(flag[2:].split("=", 1) for flag in container["args"] if "=" in flag)
    longest = int(flags["drain-delay"]) + int(flags["graceful-timeout"])
    if pod["terminationGracePeriodSeconds"] <= longest:
        problems.append(f"the grace period must be longer than {longest} s")
    if not spec["selector"]["matchLabels"].items() <= spec["template"]["metadata"]["labels"].items():
        problems.append("the selector does not meet the pods' labels")
    ports = {port["name"] for port in container["ports"]}
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        if container[probe]["httpGet"]["port"] not in ports:
            problems.append(f"{probe}: no such port")
    volumes = {volume["name"] for volume in pod["volumes"]}
    if {mount["name"] for mount in container["volumeMounts"]} - volumes:
        problems.append("a mount without its volume")


def main():
    problems, count = [], 0
    for path in sorted(FOLDER.glob("*.yaml")):
        for document in yaml.safe_load_all(path.read_text()):
            count += 1
            model, found = model_of(document), []
            if model is None:
                problems.append(f"{path.name}: no kind '{document.get('kind')}' in '{document.get('apiVersion')}'")
                continue
            check_object(document, model, document["kind"], found)
            if document["kind"] == "Deployment":
                check_deployment(document, found)
            if pathlib.Path(PROGRAM).exists():
                check_settings(document, found)
            problems += [f"{path.name}: {problem}" for problem in found]
    for problem in problems:
        print(f"error: {problem}", file=sys.stderr)
    if not pathlib.Path(PROGRAM).exists():
        print(f"{PROGRAM} is not there: its flags were not checked")
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in ("kubernetes", "kserve"))
    print(f"{count} documents, {len(problems)} problems; models of {versions}")
    return 1 if problems or not count else 0


if __name__ == "__main__":
    sys.exit(main())
