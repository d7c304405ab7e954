// SPDX-License-Identifier: MIT

import GRPC
import HTTP
import Protocols
import Text
import Transport

/// The photo service: `Protos/photo_service.proto`.
extension API {
    func handlePhoto(_ method: GRPCMethod, _ call: GRPCCall, _ message: ArraySlice<UInt8>) throws -> Handling {
        switch method {
        case .photoInference:
            let served = try first(.rotation)
            return .alone { runner in
                signed(call.wire.response([try turn(ofPhotoIn: message, served, runner)]), served.model)
            }
        case .photoUsingVersion, .photoAllVersions:
            let served = try first(.rotation)
            return .alone { _ in
                let versions = try versions(of: served.model)
                let wanted = method == .photoAllVersions ? versions : versions.filter { isUsed($0, served.model) }
                return call.wire.response(
                    wanted.map { PhotoMessages.info($0, isUsing: isUsed($0, served.model)) })
            }
        case .photoLoadModel:
            let path = try PhotoMessages.path(of: message)
            let served = try first(.rotation)
            // A name is compared with those of the repository, and is never part of a path. The newest of a name is taken.
            let version = try versions(of: served.model).last {
                ByteText($0.file) == path || ByteText(String($0.number)) == path
            }
            guard let version else { throw RequestRefusal(.badRequest, "Invalid model path has come") }
            return .command(.use(model: served.model.name, version: version.number))
        default:
            let number = try PhotoMessages.version(of: message)
            let served = try first(.rotation)
            guard try versions(of: served.model).contains(where: { $0.number == number }) else {
                throw RequestRefusal(.notFound, "there is no version \(number) of the model '\(served.model.name)'")
            }
            return .command(.use(model: served.model.name, version: number))
        }
    }

    /// What the model says of a photo, as an `InferenceResult`.
    private func turn(
        ofPhotoIn message: ArraySlice<UInt8>, _ served: Served, _ runner: any InferenceRunner
    ) throws -> [UInt8] {
        let image = try PhotoMessages.image(of: message)
        let answer: Classification?
        do {
            answer = try classify(served, [image], runner).first
        } catch InferenceRefusal.notAnImage, InferenceRefusal.unusableImage {
            answer = nil
        }
        guard let answer, let degrees = Self.degreesUpright(served.model.labels[answer.classIndex]) else {
            throw RequestRefusal(.badRequest, "Invalid Image data Come")
        }
        return PhotoMessages.result(
            modelDegree: degrees, exifDegree: answer.exifDegrees, confidence: answer.scores[answer.classIndex])
    }

    /// The versions that the repository has now, oldest first; the one that is served even where it is gone.
    private func versions(of model: ServedModel) throws -> [ModelVersion] {
        let known = try policy.modelVersions?(model.name) ?? []
        if known.contains(where: { isUsed($0, model) }) { return known }
        return known + [ModelVersion(number: Int(model.version) ?? 0, file: "")]
    }

    private func isUsed(_ version: ModelVersion, _ model: ServedModel) -> Bool {
        haveSameBytes(String(version.number), model.version)
    }
}
