// SPDX-License-Identifier: MIT

import Text
import Transport

/// The methods of the server's gRPC services, by their paths.
enum GRPCMethod: String, CaseIterable, Sendable {
    // The photo service: Protos/photo_service.proto.
    case photoInference = "InferenceImage/Inference"
    case photoLoadModel = "InferenceImage/LoadModel"
    case photoUsingVersion = "ModelVersion/GetUsingModelVersion"
    case photoAllVersions = "ModelVersion/GetAllModelVersion"
    case photoChange = "ModelVersion/Change"
    // The Open Inference Protocol: Protos/grpc_predict_v2.proto.
    case serverLive = "inference.GRPCInferenceService/ServerLive"
    case serverReady = "inference.GRPCInferenceService/ServerReady"
    case modelReady = "inference.GRPCInferenceService/ModelReady"
    case serverMetadata = "inference.GRPCInferenceService/ServerMetadata"
    case modelMetadata = "inference.GRPCInferenceService/ModelMetadata"
    case modelInfer = "inference.GRPCInferenceService/ModelInfer"
    case modelStreamInfer = "inference.GRPCInferenceService/ModelStreamInfer"
    case modelConfig = "inference.GRPCInferenceService/ModelConfig"
    case modelStatistics = "inference.GRPCInferenceService/ModelStatistics"
    case repositoryIndex = "inference.GRPCInferenceService/RepositoryIndex"
    case repositoryLoad = "inference.GRPCInferenceService/RepositoryModelLoad"
    case repositoryUnload = "inference.GRPCInferenceService/RepositoryModelUnload"
    // Protos/grpc.
    case healthCheck = "grpc.health.v1.Health/Check"
    case healthList = "grpc.health.v1.Health/List"
    case healthWatch = "grpc.health.v1.Health/Watch"
    case reflection = "grpc.reflection.v1.ServerReflection/ServerReflectionInfo"
    case reflectionAlpha = "grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo"

    private static let byPath = Dictionary(uniqueKeysWithValues: allCases.map { (ByteText($0.rawValue), $0) })

    /// The full names of the services.
    static let services = Set(allCases.map(\.service)).sorted()

    /// Finds a method; nil if there is none.
    init?(service: ByteText, method: ByteText) {
        guard let found = Self.byPath[ByteText("\(service.string)/\(method.string)")] else { return nil }
        self = found
    }

    private var service: String { String(rawValue.prefix { $0 != "/" }) }

    /// What a key must allow; nil if anyone may call.
    var right: Rights? {
        switch self {
        case .serverLive, .serverReady, .healthCheck, .healthList, .healthWatch, .reflection, .reflectionAlpha: nil
        case _ where isAdministrative: .admin
        default: .predict
        }
    }

    /// Whether the method changes what is served.
    var isAdministrative: Bool {
        [.photoLoadModel, .photoChange, .repositoryLoad, .repositoryUnload].contains(self)
    }

    /// Whether it belongs to the photo service, whose clients know its words for a missing key.
    var isOfPhotoService: Bool { label == .grpcPhoto }

    /// Whether the event loop itself answers: all but what runs a model or reads the repository.
    var isAnsweredOnEventLoop: Bool {
        switch self {
        case .photoInference, .photoUsingVersion, .photoAllVersions, .modelInfer, .modelStreamInfer: false
        default: true
        }
    }

    /// Whether the client may send several messages, each of which is answered.
    var takesStream: Bool { [.modelStreamInfer, .reflection, .reflectionAlpha].contains(self) }

    /// Under what the method is counted.
    var label: RouteLabel {
        switch self {
        case .photoInference, .photoLoadModel, .photoUsingVersion, .photoAllVersions, .photoChange: .grpcPhoto
        case .healthCheck, .healthList, .healthWatch: .grpcHealth
        case .reflection, .reflectionAlpha: .grpcReflection
        default: .grpcInference
        }
    }
}
