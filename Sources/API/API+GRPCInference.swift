// SPDX-License-Identifier: MIT

import GRPC
import HTTP
import Protobuf
import Protocols
import Text
import Transport

/// The Open Inference Protocol over gRPC: `Protos/grpc_predict_v2.proto`. What REST answers as JSON is answered here as messages.
extension API {
    func handleInference(_ method: GRPCMethod, _ call: GRPCCall, _ message: ArraySlice<UInt8>) throws -> Handling {
        if method == .modelInfer {
            return .work { runner in
                try infer(message, runner) { answer, model in signed(call.wire.response([answer]), model) }
            }
        }
        if method.isAdministrative { return .command(try repositoryCommand(method, message)) }
        var answer = ProtobufWriter()
        switch method {
        case .serverLive: answer.write(1, bool: true)
        case .serverReady: answer.write(1, bool: statistics.fleet[.isDraining] == 0)
        case .modelReady: answer.write(1, bool: isReady(try ModelNames(message).reference))
        case .serverMetadata:
            answer.write(1, string: "swiftnet")
            answer.write(2, string: API.version)
            for name in ["classification", "statistics", "model_repository"] { answer.write(3, string: name) }
        case .modelMetadata: writeMetadata(&answer, try find(ModelNames(message).reference).model)
        case .modelConfig:
            let model = try find(ModelNames(message).reference).model
            answer.write(1) { writeConfiguration(&$0, model) }
        case .modelStatistics:
            let names = try ModelNames(message)
            let listed = names.reference.name.isEmpty ? models : [try find(names.reference).model]
            for model in listed { answer.write(1) { writeStatistics(&$0, model) } }
        default: writeIndex(&answer, isReadyWanted: try ModelNames(message).isReadyWanted)
        }
        return .answer(call.wire.response([answer.bytes]))
    }

    /// A model is not ready that is not there: Triton's clients ask so.
    private func isReady(_ reference: Route.ModelReference) -> Bool { models.contains(where: reference.names) }

    private func repositoryCommand(_ method: GRPCMethod, _ message: ArraySlice<UInt8>) throws -> FleetCommand {
        let names = try ModelNames(message)
        if method == .repositoryUnload {
            return .unload(model: try find(Route.ModelReference(name: names.model)).model.name)
        }
        guard !names.hasParameters else {
            throw RequestRefusal(
                .badRequest, "parameters are not taken: a model is loaded as the repository has it")
        }
        return .load(model: try Self.checked(names.model))
    }

    // MARK: infer

    private func infer(
        _ message: ArraySlice<UInt8>, _ runner: any InferenceRunner,
        response: @escaping (_ answer: [UInt8], ServedModel) -> Response
    ) throws -> RequestStep {
        let call = try ModelInferMessage(message, maxRows: policy.maxBatch)
        let served = try find(
            Route.ModelReference(
                name: call.modelName, version: call.modelVersion.isEmpty ? nil : call.modelVersion))
        let request = try call.request(to: served.model, maxRows: policy.maxBatch)
        return try step(served, request.input, runner, views: request.views ?? .one) { output in
            let answer = try OpenInferenceAnswer.message(to: request, numbers: output.numbers, model: served.model)
            return response(answer, served.model)
        }
    }

    /// A `ModelStreamInferResponse`: what is wrong with one request does not end the stream.
    func streamedInfer(_ message: ArraySlice<UInt8>, _ runner: any InferenceRunner) throws -> [UInt8] {
        var answer = ProtobufWriter()
        do {
            let step = try infer(message, runner) { answer, _ in Response(.ok, body: answer) }
            answer.write(2, bytes: try step.response(from: runner).body)
        } catch {
            if case InferenceRefusal.unwanted = error { throw error }
            answer.write(1, string: ErrorResponse.response(for: error).problem ?? "")
        }
        return answer.bytes
    }

    // MARK: Messages

    private func write(_ number: Int, _ tensors: [TensorDescription], to message: inout ProtobufWriter) {
        for tensor in tensors {
            message.write(number) { metadata in
                metadata.write(1, string: tensor.name)
                metadata.write(2, string: tensor.datatype.rawValue)
                metadata.write(3, packed: tensor.shape)
            }
        }
    }

    /// A `ModelMetadataResponse`.
    private func writeMetadata(_ message: inout ProtobufWriter, _ model: ServedModel) {
        message.write(1, string: model.name)
        for other in models where haveSameBytes(other.name, model.name) { message.write(2, string: other.version) }
        message.write(3, string: "swiftnet_\(model.architecture)")
        write(4, model.inputs, to: &message)
        write(5, model.allOutputs, to: &message)
        if let precision = model.loweredPrecision {
            message.write(6) { entry in
                entry.write(1, string: "precision")
                entry.write(2, string: precision)
            }
        }
    }

    /// A `ModelConfig`.
    private func writeConfiguration(_ message: inout ProtobufWriter, _ model: ServedModel) {
        func write(_ number: Int, _ tensor: TensorDescription, isOptional: Bool) {
            message.write(number) { description in
                description.write(1, string: tensor.name)
                description.write(2, int64: tensor.datatype.tritonNumber)
                description.write(
                    number == 5 ? 4 : 3, packed: tensor.shape.count == 1 ? [1] : Array(tensor.shape.dropFirst()))
                if isOptional { description.write(8, bool: true) }
            }
        }
        message.write(1, string: model.name)
        message.write(2, string: "swiftnet_\(model.architecture)")
        message.write(4, int64: policy.maxBatch)
        for tensor in model.inputs { write(5, tensor, isOptional: model.takesPictures) }
        for tensor in model.allOutputs { write(6, tensor, isOptional: false) }
        for (name, value) in [("task", "\(model.task)"), ("precision", model.loweredPrecision ?? "")] where value != ""
        {
            message.write(14) { entry in
                entry.write(1, string: name)
                entry.write(2) { $0.write(1, string: value) }
            }
        }
        message.write(17, string: "swiftnet")
    }

    /// A `ModelStatistics`.
    private func writeStatistics(_ message: inout ProtobufWriter, _ model: ServedModel) {
        let fleet = statistics.fleet
        func count(_ counter: ModelCounter) -> UInt64 { fleet.total(counter, of: model) }
        message.write(1, string: model.name)
        message.write(2, string: model.version)
        message.write(3, uint64: count(.lastMilliseconds))
        message.write(4, uint64: count(.images))
        message.write(5, uint64: count(.runs))
        message.write(6) { statistics in
            for (number, requests, nanoseconds) in [
                (1, count(.requests), count(.nanoseconds)), (2, count(.failures), 0),
                (5, count(.requests), count(.nanoseconds)),
            ] {
                statistics.write(number) { duration in
                    duration.write(1, uint64: requests)
                    duration.write(2, uint64: nanoseconds)
                }
            }
        }
    }

    /// A `RepositoryIndexResponse`.
    private func writeIndex(_ message: inout ProtobufWriter, isReadyWanted: Bool) {
        func write(_ name: String, _ version: String, _ state: String, _ reason: String) {
            message.write(1) { model in
                model.write(1, string: name)
                model.write(2, string: version)
                model.write(3, string: state)
                model.write(4, string: reason)
            }
        }
        for model in models { write(model.name, model.version, "READY", "") }
        if !isReadyWanted, let (model, problem) = unloadable.value { write(model, "", "UNAVAILABLE", problem) }
    }
}

/// The texts of the protocol's small requests: most have a model's name and version in the first two fields, those of the
/// repository its name in the second.
private struct ModelNames {
    private(set) var reference = Route.ModelReference(name: "")
    /// The second field, where that is the model's name.
    private(set) var model: ByteText = ""
    /// Whether there is a third field.
    private(set) var hasParameters = false
    /// The second field as `RepositoryIndexRequest` has it.
    private(set) var isReadyWanted = false

    /// The longest name, in bytes.
    private static let maxBytes = 1024

    /// - Throws: `ProtobufError`.
    init(_ message: ArraySlice<UInt8>) throws {
        try message.withUnsafeBytes { bytes in
            var reader = ProtobufReader(bytes)
            while let field = try reader.next() {
                switch (field.number, field.value) {
                case (1, _): reference = .init(name: ByteText(try field.string(limit: Self.maxBytes)))
                case (2, .varint(let value)): isReadyWanted = value != 0
                case (2, _): model = ByteText(try field.string(limit: Self.maxBytes))
                case (3, _): hasParameters = true
                default: break
                }
            }
        }
        if !model.isEmpty { reference.version = model }
    }
}

extension TensorDatatype {
    /// The number in Triton's `DataType`.
    fileprivate var tritonNumber: Int {
        switch self {
        case .bool: 1
        case .uint8: 2
        case .uint16: 3
        case .uint32: 4
        case .uint64: 5
        case .int8: 6
        case .int16: 7
        case .int32: 8
        case .int64: 9
        case .fp16: 10
        case .fp32: 11
        case .fp64: 12
        case .bytes: 13
        case .bf16: 14
        }
    }
}
