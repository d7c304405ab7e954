# SPDX-License-Identifier: MIT
"""Writes what server reflection tells of Protos/ into Sources/GRPC/ProtoFile+Descriptors.swift: see Tools/protos/generate."""

import base64
import pathlib
import sys
import tempfile

from google.protobuf import descriptor_pb2
from grpc_tools import protoc

ROOT = pathlib.Path(__file__).parents[2]
PROTOS = ROOT / "Protos"
OUTPUT = ROOT / "Sources/GRPC/ProtoFile+Descriptors.swift"


def compiled(files):
    """The descriptors of the files, without what only generators of code need."""
    with tempfile.TemporaryDirectory() as folder:
        output = pathlib.Path(folder) / "set"
        arguments = ["protoc", f"-I{PROTOS}", f"--descriptor_set_out={output}", *(str(file) for file in files)]
        if protoc.main(arguments) != 0:
            sys.exit("protoc failed")
        return descriptor_pb2.FileDescriptorSet.FromString(output.read_bytes()).file


def messages(prefix, types):
    for message in types:
        message.ClearField("reserved_name")
        for field in message.field:
            field.ClearField("json_name")
        yield f"{prefix}{message.name}"
        for enum in message.enum_type:
            yield f"{prefix}{message.name}.{enum.name}"
        yield from messages(f"{prefix}{message.name}.", message.nested_type)


def symbols(file):
    prefix = f"{file.package}." if file.package else ""
    yield from messages(prefix, file.message_type)
    for enum in file.enum_type:
        yield prefix + enum.name
    for service in file.service:
        yield prefix + service.name
        for method in service.method:
            yield f"{prefix}{service.name}.{method.name}"


def swift(file):
    names = sorted(symbols(file))
    text = base64.b64encode(file.SerializeToString(deterministic=True)).decode()
    lines = [text[start : start + 100] for start in range(0, len(text), 100)]
    yield "        ProtoFile("
    yield f'            name: "{file.name}",'
    yield "            symbols: \"\"\""
    yield from (f"                {name}" for name in names)
    yield "                \"\"\","
    yield "            base64: \"\"\""
    yield from (f"                {line}" for line in lines)
    yield "                \"\"\"),"


def main():
    files = sorted(PROTOS.rglob("*.proto"))
    lines = [
        "// SPDX-License-Identifier: MIT",
        "// Written by Tools/protos/generate from Protos/.",
        "",
        "extension ProtoFile {",
        "    /// The files of `Protos`.",
        "    static let all = [",
    ]
    for file in compiled(files):
        if file.dependency:
            sys.exit(f"{file.name} imports another file; reflection gives each file alone")
        lines += swift(file)
    text = "\n".join([*lines, "    ]", "}", ""])
    if "--check" in sys.argv[1:]:
        if OUTPUT.read_text() != text:
            sys.exit(f"{OUTPUT.relative_to(ROOT)} is not what Tools/protos/generate makes of Protos/")
    else:
        OUTPUT.write_text(text)


main()
