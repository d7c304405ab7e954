// SPDX-License-Identifier: MIT

import API
import Fleet
import Inference
import SystemCalls
import Text
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
        policy.sites = try siteRules()
        return policy
    }

    /// Which web pages may use the server.
    ///
    /// - Throws: ``ConfigurationError``.
    package func siteRules() throws(ConfigurationError) -> SiteRules {
        var rules = SiteRules()
        rules.boundHosts = addresses.compactMap { address in
            if case .tcp(let host, _) = address { ByteText(host) } else { nil }
        }
        rules.allowedHosts = allowedHosts.map { ByteText($0) }
        rules.allowedOrigins = cors.map { ByteText($0) }
        if let wrong = rules.allowedHosts.first(where: { !SiteRules.isHost($0) }) {
            throw .invalidValue(
                key: "allowed-hosts", value: "\(wrong)",
                expected: "names or numbers of hosts without a port, .example.org for all names below one, or *")
        }
        if let wrong = rules.allowedOrigins.first(where: { !SiteRules.isOrigin($0) }) {
            throw .invalidValue(
                key: "cors", value: "\(wrong)",
                expected: "sites as a browser names them, https://example.org:8443, or *")
        }
        return rules
    }

    /// The keys of the file that the settings name; nil if they name none.
    ///
    /// - Throws: As ``policy()`` does.
    package func keys() throws -> APIKeys? {
        guard let apiKeys else { return nil }
        let text = try FileDescriptor.open(apiKeys, FileDescriptor.readOnly).readAll(limit: 1 << 20)
        do {
            return try APIKeys(text)
        } catch {
            throw ConfigurationError.invalidValue(
                key: "api-keys", value: apiKeys, expected: "a file of keys; \(error)")
        }
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
