// SPDX-License-Identifier: MIT

import API
import Fleet
import Inference
import SystemCalls
import Transport

extension ServerConfiguration {
    /// How long and how much the transport bears.
    var transportLimits: TransportLimits {
        var limits = TransportLimits()
        limits.http.maxBodyBytes = maxBodyBytes
        limits.keepAlive = .seconds(keepAlive)
        limits.queueTime = .seconds(deadline)
        limits.answerTime = .seconds(timeout)
        limits.queueCapacity = queue
        limits.maxConnections = maxConnections
        limits.maxBufferedBytes = max(limits.maxBufferedBytes, 4 * maxBodyBytes)
        return limits
    }

    /// What clients are allowed.
    ///
    /// - Throws: `SystemError` if the file of keys can't be read, ``ConfigurationError`` if it holds no good keys.
    func policy() throws -> API.Policy {
        var policy = API.Policy()
        policy.allowsAdministration = admin
        policy.maxBatch = maxBatch
        policy.maxBodyBytes = maxBodyBytes
        policy.digitModel = digitModel
        policy.keys = try keys()
        return policy
    }

    /// The keys of the file that the settings name; nil if they name none.
    ///
    /// - Throws: As ``policy()`` does.
    package func keys() throws -> APIKeys? {
        guard let apiKeys else { return nil }
        let text = try FileDescriptor.open(apiKeys, FileDescriptor.readOnly).readAll(limit: 1 << 20)
        guard let keys = APIKeys(String(decoding: text, as: UTF8.self)) else {
            throw ConfigurationError.invalidValue(
                key: "api-keys", value: apiKeys,
                expected: "a file of keys, a line each, of \(APIKeys.minKeyBytes) printable characters or more")
        }
        return keys
    }
}

extension ServerConfiguration {
    /// The repository that the settings name, or the standard one.
    ///
    /// - Throws: `InferenceError` or `SystemError`.
    func repository() throws -> ModelRepository {
        try weights.map { try ModelRepository(path: $0) } ?? ModelRepository.standard()
    }

    /// The names of the models that are served.
    ///
    /// - Throws: `InferenceError` or `SystemError`.
    func servedModels() throws -> [String] {
        try models.isEmpty ? repository().modelNames() : models
    }
}
