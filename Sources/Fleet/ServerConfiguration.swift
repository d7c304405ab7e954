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

    /// What the numbers of the served models are.
    package enum Precision: String, CaseIterable, Sendable {
        case float32 = "f32"
        case int8
    }

    package var bind: [SocketAddress] = []
    /// Where metrics are read; at the addresses of requests if empty.
    package var metricsBind: [SocketAddress] = []
    /// The permissions of sockets in the file system, and what files do not get.
    package var socketMode: Int?
    package var umask: Int?
    package var mode = Mode.process
    package var workers: Int?
    package var threads: Int?
    package var weights: String?
    package var models: [String] = []
    /// What the models' numbers are.
    package var precision = Precision.float32
    package var digitModel: String?
    /// Where it is kept over a restart what clients have changed of the models.
    package var stateFile: String?
    package var apiKeys: String?
    package var noAuth = false
    /// Whether the page for people is left out.
    package var noPage = false
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
    /// 0 for no limit.
    package var maxConnectionsPerAddress = 0
    package var maxDecodedBytes = 512 << 20
    package var accessLog: String?
    package var logFormat = AccessLogFormat.text
    package var forwardedAllowIPs = TrustedProxies.standard
    package var allowedHosts: [String] = []
    package var cors: [String] = []
    package var errorLog: String?
    package var logLevel = LogLevel.info
    package var pid: String?
    package var daemon = false

    /// What holds if nothing is set.
    package init() {}

    /// Where the server listens if it is told nothing.
    package static let defaultAddress = SocketAddress.tcp(host: "127.0.0.1", port: 8000)

    /// Where it listens.
    package var addresses: [SocketAddress] { bind.isEmpty ? [Self.defaultAddress] : bind }

    /// The file of messages; beside the pid file for a daemon that was told nothing. Nil for standard error.
    package var errorLogPath: String? {
        if errorLog == "-" { return nil }
        return errorLog ?? (daemon ? pid.map { $0 + ".log" } : nil)
    }

    /// How many processes answer requests, and how many inference threads each has.
    package func layout(cores: Int) -> (workers: Int, threads: Int) {
        switch mode {
        case .process:
            // More cores than there can be workers: each has several threads.
            (
                workers ?? min(max(1, cores / max(1, threads ?? 1)), FleetLimits.maxWorkers),
                threads ?? (workers == nil ? max(1, cores / FleetLimits.maxWorkers) : 1)
            )
        case .thread:
            (workers ?? 1, threads ?? min(max(1, cores / max(1, workers ?? 1)), FleetLimits.maxThreadsOfWorker))
        }
    }

    /// Looks for settings that contradict each other.
    ///
    /// - Throws: ``ConfigurationError``.
    package func check() throws(ConfigurationError) {
        if let open = addresses.first(where: { !$0.isLocal }), apiKeys == nil, !noAuth {
            throw .unprotected(address: open.description)
        }
        let addressCount = addresses.count + metricsBind.count
        if addressCount > FleetLimits.maxAddresses {
            throw .contradiction("\(addressCount) addresses are more than \(FleetLimits.maxAddresses)")
        }
        if let twice = addresses.first(where: metricsBind.contains) {
            throw .contradiction("\(twice) is an address of requests; metrics-bind wants one of its own")
        }
        if daemon, errorLogPath == nil {
            throw .contradiction("a daemon's messages need a place: name a file with error-logfile or pid")
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
    package static let maxThreadsOfWorker = 256
    /// Addresses that are listened on.
    package static let maxAddresses = 64
}

/// Why settings can't be used.
package enum ConfigurationError: Error, Equatable, Sendable, CustomStringConvertible {
    case unknownKey(String)
    case invalidValue(key: String, value: String, expected: String)
    case malformedLine
    /// A setting that a file has twice.
    case repeated(key: String, line: Int)
    case unprotected(address: String)
    case contradiction(String)
    /// What is wrong with a setting, and where that stands: in a file, a line, the environment.
    indirect case at(place: String, ConfigurationError)

    package var description: String {
        switch self {
        case .unknownKey(let key): "there is no setting '\(key)'; 'swiftnet serve --help' lists them"
        case .invalidValue(let key, let value, let expected): "\(key): expected \(expected), got '\(value)'"
        case .malformedLine: "expected 'name = value'"
        case .repeated(let key, let line): "'\(key)' is set on line \(line) already; keep one of them"
        case .unprotected(let address):
            "\(address) can be reached from other machines: name a file of keys with --api-keys, or say --no-auth"
        case .contradiction(let text): text
        case .at(let place, let error): "\(place): \(error)"
        }
    }
}
