// SPDX-License-Identifier: MIT

import SystemCalls
import Transport

/// All that an operator can set. The same names serve as flags, as keys of the configuration file and, in capitals with
/// `SWIFTNET_` before them, as environment variables.
package struct ServerConfiguration: Equatable, Sendable {
    /// How the cores are used.
    package enum Mode: String, Sendable, CaseIterable {
        /// A process for each core: a crash takes the requests of one.
        case process
        /// A thread for each core in one process.
        case thread
    }

    package var bind: [SocketAddress] = []
    package var mode = Mode.process
    package var workers: Int?
    package var threads: Int?
    package var weights: String?
    package var models: [String] = []
    package var digitModel: String?
    package var apiKeys: String?
    package var noAuth = false
    package var admin = false
    package var timeout = 30
    package var gracefulTimeout = 30
    package var drainDelay = 0
    package var keepAlive = 15
    package var deadline = 10
    package var queue = 128
    package var maxRequests = 0
    package var maxRequestsJitter = 0
    package var maxBatch = 256
    package var maxBodyBytes = HTTPDefaults.maxBodyBytes
    package var maxPixels = 50_000_000
    package var maxConnections = 2048
    package var accessLog: String?
    package var logFormat = AccessLogFormat.text
    package var forwardedAllowIPs = TrustedProxies.standard
    package var allowedHosts: [String] = []
    package var cors: [String] = []
    package var pid: String?
    package var daemon = false

    /// What holds if nothing is set.
    package init() {}

    /// Where the server listens if it is told nothing.
    package static let defaultAddress = SocketAddress.tcp(host: "127.0.0.1", port: 8000)

    /// Where it listens.
    package var addresses: [SocketAddress] { bind.isEmpty ? [Self.defaultAddress] : bind }

    /// How many processes answer requests, and how many inference threads each has.
    package func layout(cores: Int) -> (workers: Int, threads: Int) {
        switch mode {
        case .process: (workers ?? max(1, cores / max(1, threads ?? 1)), threads ?? 1)
        case .thread: (workers ?? 1, threads ?? max(1, cores / max(1, workers ?? 1)))
        }
    }

    /// Looks for settings that contradict each other.
    ///
    /// - Throws: ``ConfigurationError``.
    package func check() throws(ConfigurationError) {
        if let open = addresses.first(where: { !$0.isLocal }), apiKeys == nil, !noAuth {
            throw .unprotected(address: open.description)
        }
        if apiKeys != nil, noAuth { throw .contradiction("api-keys and no-auth exclude each other") }
        if let workers, let threads, workers * threads > FleetLimits.maxThreads {
            throw .contradiction(
                "\(workers) workers of \(threads) threads are more than \(FleetLimits.maxThreads) threads")
        }
    }
}

/// Numbers that the settings share with other parts of the server.
package enum HTTPDefaults {
    package static let maxBodyBytes = 16 << 20
}

/// How large a fleet can be.
package enum FleetLimits {
    /// Workers that serve; as many again may be draining.
    package static let maxWorkers = 48
    package static let maxThreads = 1024
}

/// Why settings can't be used.
package enum ConfigurationError: Error, Equatable, Sendable, CustomStringConvertible {
    case unknownKey(String)
    case invalidValue(key: String, value: String, expected: String)
    case malformedLine(number: Int)
    case unprotected(address: String)
    case contradiction(String)

    package var description: String {
        switch self {
        case .unknownKey(let key): "there is no setting '\(key)'"
        case .invalidValue(let key, let value, let expected): "\(key): expected \(expected), got '\(value)'"
        case .malformedLine(let number): "line \(number): expected 'name = value'"
        case .unprotected(let address):
            "\(address) can be reached from other machines: name a file of keys with --api-keys, or say --no-auth"
        case .contradiction(let text): text
        }
    }
}
