# SPDX-License-Identifier: MIT
"""Asks a running server as the photo service's own clients do: with stubs that grpcio-tools makes of Protos/, and the key as
`access_token` in the metadata. Also health checks and reflection, by gRPC's own clients for them.

    Tools/clients/.venv/bin/python Tools/clients/photo_service.py localhost:8000 --token KEY --admin-token KEY --other 1

The server must want keys, have --admin, and have a version --other of the rotation model besides the one that it serves.
"""

import argparse
import base64
import gzip
import importlib
import pathlib
import sys
import tempfile

import grpc
from google.protobuf import descriptor_pool, message_factory
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase
from grpc_tools import protoc

ROOT = pathlib.Path(__file__).parents[2]
PHOTO = (ROOT / "Examples/photo.jpg").read_bytes()
PICTURE = (ROOT / "Examples/digit.png").read_bytes()


def stubs():
    """The modules that protoc makes of the photo service's file."""
    folder = tempfile.mkdtemp()
    file = ROOT / "Protos/photo_service.proto"
    arguments = ["protoc", f"-I{file.parent}", f"--python_out={folder}", f"--grpc_python_out={folder}", str(file)]
    assert protoc.main(arguments) == 0
    sys.path.insert(0, folder)
    return importlib.import_module("photo_service_pb2"), importlib.import_module("photo_service_pb2_grpc")


def refused(call, *arguments, **options):
    """Code and words of a call that must fail."""
    try:
        answer = call(*arguments, **options)
        list(answer) if hasattr(answer, "__next__") else None
    except grpc.RpcError as error:
        return error.code(), error.details()
    raise AssertionError("the call was answered")


def check_photos(pb, images, metadata):
    def ask(content, **options):
        return images.Inference(pb.BytesImage(image_content=content), metadata=metadata, **options)

    photo = ask(PHOTO)
    assert photo.success and photo.model_degree in (90, 180, 270, 360) and 0.25 <= photo.confidence <= 1, photo
    for content in [base64.b64encode(PHOTO), base64.encodebytes(PHOTO)]:
        assert ask(content) == photo
    assert ask(PHOTO, compression=grpc.Compression.Gzip) == photo
    assert ask(PHOTO, timeout=20) == photo
    assert images.Inference.future(pb.BytesImage(image_content=PHOTO), metadata=metadata).result() == photo
    assert ask(PICTURE).success
    # Binary metadata is nobody's concern here.
    assert images.Inference(
        pb.BytesImage(image_content=PHOTO), metadata=metadata + [("trace-bin", bytes(range(256)))]) == photo
    invalid = (grpc.StatusCode.INVALID_ARGUMENT, "Invalid Image data Come")
    for content in [b"", b"no picture", PHOTO[:50], base64.b64encode(b"no picture"), gzip.compress(PHOTO)]:
        assert refused(ask, content) == invalid, refused(ask, content)
    code, _ = refused(ask, bytes(64 << 20))
    assert code == grpc.StatusCode.RESOURCE_EXHAUSTED, code
    code, _ = refused(ask, PHOTO, timeout=0.000_01)
    assert code == grpc.StatusCode.DEADLINE_EXCEEDED, code


def check_keys(pb, images, versions):
    signature = (grpc.StatusCode.UNAUTHENTICATED, "Invalid signature")
    for metadata in [None, [("access_token", "wrong")], [("authorization", "Bearer wrong")]]:
        assert refused(images.Inference, pb.BytesImage(image_content=PHOTO), metadata=metadata) == signature
        assert refused(images.LoadModel, pb.ModelPath(path="1"), metadata=metadata) == signature
        assert refused(versions.GetUsingModelVersion, pb.Empty(), metadata=metadata) == signature
        assert refused(versions.GetAllModelVersion, pb.Empty(), metadata=metadata) == signature
        assert refused(versions.Change, pb.SelectedModelVersion(pk=1), metadata=metadata) == signature


def check_versions(pb, images, versions, client, admin, other):
    using = versions.GetUsingModelVersion(pb.Empty(), metadata=client)
    everything = list(versions.GetAllModelVersion(pb.Empty(), metadata=client))
    assert using.is_using and [version for version in everything if version.is_using] == [using], everything
    assert {using.pk, other} <= {version.pk for version in everything}, everything

    denied = refused(versions.Change, pb.SelectedModelVersion(pk=other), metadata=client)[0]
    assert denied == grpc.StatusCode.PERMISSION_DENIED, denied
    missing = refused(versions.Change, pb.SelectedModelVersion(pk=999), metadata=admin)[0]
    assert missing == grpc.StatusCode.NOT_FOUND, missing
    path = (grpc.StatusCode.INVALID_ARGUMENT, "Invalid model path has come")
    for name in ["", "none.pth", "/etc/passwd", "../1", f"rotation/{other}"]:
        assert refused(images.LoadModel, pb.ModelPath(path=name), metadata=admin) == path, name

    versions.Change(pb.SelectedModelVersion(pk=other), metadata=admin)
    assert versions.GetUsingModelVersion(pb.Empty(), metadata=client).pk == other
    images.LoadModel(pb.ModelPath(path=str(using.pk)), metadata=admin)
    assert versions.GetUsingModelVersion(pb.Empty(), metadata=client) == using
    assert images.Inference(pb.BytesImage(image_content=PHOTO), metadata=client).success


def check_health(channel):
    health = health_pb2_grpc.HealthStub(channel)
    for service in ["", "InferenceImage", "inference.GRPCInferenceService"]:
        answer = health.Check(health_pb2.HealthCheckRequest(service=service))
        assert answer.status == health_pb2.HealthCheckResponse.SERVING, answer
        watch = health.Watch(health_pb2.HealthCheckRequest(service=service))
        assert next(watch).status == health_pb2.HealthCheckResponse.SERVING
        watch.cancel()
    code, _ = refused(health.Check, health_pb2.HealthCheckRequest(service="none"))
    assert code == grpc.StatusCode.NOT_FOUND, code
    code, _ = refused(channel.unary_unary("/InferenceImage/Nothing"), b"")
    assert code == grpc.StatusCode.UNIMPLEMENTED, code


def check_reflection(channel, metadata):
    """Asks without any generated code."""
    database = ProtoReflectionDescriptorDatabase(channel)
    services = set(database.get_services())
    assert {"InferenceImage", "ModelVersion", "inference.GRPCInferenceService", "grpc.health.v1.Health"} <= services
    pool = descriptor_pool.DescriptorPool(database)
    for name in services:
        for method in pool.FindServiceByName(name).methods:
            assert method.input_type.full_name and method.output_type.full_name
    method = pool.FindServiceByName("InferenceImage").methods_by_name["Inference"]
    question = message_factory.GetMessageClass(method.input_type)
    answer = message_factory.GetMessageClass(method.output_type)
    call = channel.unary_unary(
        "/InferenceImage/Inference", request_serializer=question.SerializeToString,
        response_deserializer=answer.FromString)
    assert call(question(image_content=PHOTO), metadata=metadata).success


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("address")
    parser.add_argument("--token", required=True)
    parser.add_argument("--admin-token", required=True)
    parser.add_argument("--other", type=int, required=True)
    arguments = parser.parse_args()
    pb, rpc = stubs()
    client, admin = [("access_token", arguments.token)], [("access_token", arguments.admin_token)]
    options = [("grpc.max_send_message_length", -1)]
    with grpc.insecure_channel(arguments.address, options=options) as channel:
        images, versions = rpc.InferenceImageStub(channel), rpc.ModelVersionStub(channel)
        check_photos(pb, images, client)
        check_keys(pb, images, versions)
        check_versions(pb, images, versions, client, admin, arguments.other)
        check_health(channel)
        check_reflection(channel, client)
    print("grpcio", grpc.__version__)


if __name__ == "__main__":
    main()
