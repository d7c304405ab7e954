// SPDX-License-Identifier: MIT

import API
import Fleet
import Inference
import Protocols
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
        limits.maxConnectionsPerAddress = maxConnectionsPerAddress
        limits.maxBufferedBytes = max(limits.maxBufferedBytes, 4 * maxBodyBytes)
        return limits
    }

    /// What clients are allowed.
    ///
    /// - Parameter keys: The text of the file of keys; nil lets everyone in.
    /// - Throws: ``ConfigurationError`` if it holds no good keys.
    func policy(keys text: [UInt8]?) throws -> API.Policy {
        var policy = API.Policy()
        policy.allowsAdministration = admin
        policy.maxBatch = maxBatch
        policy.maxBodyBytes = maxBodyBytes
        policy.digitModel = digitModel
        policy.keys = try text.map(keys)
        policy.sites = try siteRules()
        policy.hasOwnMetricsAddress = !metricsBind.isEmpty
        policy.hasPage = !noPage
        policy.modelVersions = { try modelVersions(of: $0) }
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

    /// The text of the file of keys that the settings name, which is in order; nil if they name none.
    ///
    /// - Throws: `SystemError` if the file can't be read, ``ConfigurationError`` if it holds no good keys.
    package func keyText() throws -> [UInt8]? {
        guard let apiKeys else { return nil }
        let text = try FileDescriptor.contents(of: apiKeys, limit: 1 << 20)
        _ = try keys(text)
        return text
    }

    /// The keys of a file's text.
    private func keys(_ text: [UInt8]) throws -> APIKeys {
        do {
            return try APIKeys(text)
        } catch {
            throw ConfigurationError.invalidValue(
                key: "api-keys", value: apiKeys ?? "", expected: "a file of keys; \(error)")
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

    /// Makes sure that the models that are named are there, before anything is started.
    ///
    /// - Throws: `InferenceError`, `ModelServiceError`, or an error of the system.
    package func checkModels() throws {
        let repository = try repository()
        if models.isEmpty, try repository.modelNames().isEmpty {
            throw ModelServiceError.noModels(repository: repository.path)
        }
        let precision = Inference.Precision(rawValue: precision.rawValue) ?? .float32
        for text in models {
            let (name, version) = try ModelService.nameAndVersion(text)
            _ = try repository.entry(name, version: version, precision: precision)
        }
        guard let digitModel else { return }
        let served =
            try models.isEmpty ? repository.modelNames() : models.map { try ModelService.nameAndVersion($0).name }
        let digits = served.filter { (try? repository.description(of: $0))?.input.preprocessing == .digit }
        if !digits.contains(where: { haveSameBytes($0, digitModel) }) {
            throw ModelServiceError.noDigitModel(digitModel, digits: digits)
        }
    }

    /// The versions of a model that the repository has, oldest first.
    private func modelVersions(of model: String) throws -> [ModelVersion] {
        let description = try repository().description(of: model)
        return description.versionNumbers.compactMap { number in
            description.versions[String(number)].map { version in
                ModelVersion(
                    number: number, file: version.file, trainAccuracy: version.trainAccuracy,
                    testAccuracy: version.testAccuracy)
            }
        }
    }

    /// The names of the models that are served.
    ///
    /// - Throws: `InferenceError` or `SystemError`.
    func servedModels() throws -> [String] {
        try models.isEmpty ? repository().modelNames() : models
    }
}
