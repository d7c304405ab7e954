// SPDX-License-Identifier: MIT

import SystemCalls
import Transport

extension ServerConfiguration {
    /// One setting: its name, and how its text is read and written.
    private struct Setting: Sendable {
        let key: String
        let expected: String
        let read: @Sendable (inout ServerConfiguration, String) -> Bool
        let write: @Sendable (ServerConfiguration) -> String?
    }

    /// Takes a setting from a flag, a file or the environment.
    ///
    /// - Throws: ``ConfigurationError``.
    package mutating func set(_ key: String, _ value: String) throws(ConfigurationError) {
        let key = Self.otherNames[key] ?? key
        guard let setting = Self.settings.first(where: { $0.key == key }) else { throw .unknownKey(key) }
        guard setting.read(&self, value) else {
            throw .invalidValue(key: key, value: value, expected: setting.expected)
        }
    }

    /// Takes the settings of a file: `name = value` on each line; blank lines and those that begin with `#` are skipped.
    ///
    /// - Throws: ``ConfigurationError``.
    package mutating func apply(text: String) throws(ConfigurationError) {
        var lines: [String: Int] = [:]
        for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            let trimmed = Self.trimmed(line)
            if trimmed.isEmpty || trimmed.hasPrefix("#") { continue }
            do throws(ConfigurationError) {
                guard let equals = trimmed.firstIndex(of: "=") else { throw .malformedLine }
                let name = Self.trimmed(trimmed[..<equals])
                try set(name, Self.trimmed(trimmed[trimmed.index(after: equals)...]))
                let key = Self.otherNames[name] ?? name
                if let line = lines.updateValue(index + 1, forKey: key) { throw .repeated(key: key, line: line) }
            } catch {
                throw .at(place: "line \(index + 1)", error)
            }
        }
    }

    /// Takes the settings that the environment holds: `SWIFTNET_MAX_REQUESTS` for `max-requests`.
    ///
    /// - Throws: ``ConfigurationError``.
    package mutating func apply(environment: (String) -> String?) throws(ConfigurationError) {
        for key in Array(Self.otherNames.keys) + Self.settings.map(\.key) {
            let name = key.utf8.map { byte in
                byte == UInt8(ascii: "-") ? UInt8(ascii: "_") : byte &- 0x61 < 26 ? byte - 0x20 : byte
            }
            let variable = "SWIFTNET_" + String(decoding: name, as: UTF8.self)
            guard let value = environment(variable) else { continue }
            do { try set(key, value) } catch { throw .at(place: variable, error) }
        }
    }

    /// The settings as a file that ``apply(text:)`` reads.
    package var text: String {
        Self.settings.compactMap { setting in setting.write(self).map { "\(setting.key) = \($0)\n" } }.joined()
    }

    private static func trimmed(_ text: Substring) -> String {
        let start = text.drop { $0 == " " || $0 == "\t" || $0 == "\r" }
        return String(start.reversed().drop { $0 == " " || $0 == "\t" || $0 == "\r" }.reversed())
    }

    private static func trimmed(_ text: String) -> String { trimmed(text[...]) }

    // MARK: The table

    private static func number(
        _ key: String, _ path: any WritableKeyPath<Self, Int> & Sendable, _ range: ClosedRange<Int>
    ) -> Setting {
        Setting(
            key: key, expected: "a number from \(range.lowerBound) to \(range.upperBound)",
            read: { configuration, text in
                guard let value = Int(text), range.contains(value) else { return false }
                configuration[keyPath: path] = value
                return true
            }, write: { String($0[keyPath: path]) })
    }

    private static func optionalNumber(
        _ key: String, _ path: any WritableKeyPath<Self, Int?> & Sendable, _ range: ClosedRange<Int>
    ) -> Setting {
        Setting(
            key: key, expected: "a number from \(range.lowerBound) to \(range.upperBound)",
            read: { configuration, text in
                guard let value = Int(text), range.contains(value) else { return false }
                configuration[keyPath: path] = value
                return true
            }, write: { $0[keyPath: path].map { String($0) } })
    }

    private static func addresses(
        _ key: String, _ path: any WritableKeyPath<Self, [SocketAddress]> & Sendable, defaultPort: UInt16
    ) -> Setting {
        Setting(
            key: key, expected: "host:port or unix:PATH, several with commas between",
            read: { configuration, text in
                let addresses = text.split(separator: ",").map { SocketAddress(trimmed($0), defaultPort: defaultPort) }
                guard !addresses.isEmpty, !addresses.contains(nil) else { return false }
                configuration[keyPath: path] = addresses.compactMap { $0 }
                return true
            },
            write: { configuration in
                let addresses = configuration[keyPath: path]
                return addresses.isEmpty ? nil : addresses.map(\.description).joined(separator: ",")
            })
    }

    private static func octal(_ key: String, _ path: any WritableKeyPath<Self, Int?> & Sendable) -> Setting {
        Setting(
            key: key, expected: "permissions as octal digits, 0 to 777",
            read: { configuration, text in
                guard let value = Int(text, radix: 8), (0...0o777).contains(value), !text.hasPrefix("+") else {
                    return false
                }
                configuration[keyPath: path] = value
                return true
            }, write: { $0[keyPath: path].map { String($0, radix: 8) } })
    }

    private static func text(_ key: String, _ path: any WritableKeyPath<Self, String?> & Sendable) -> Setting {
        Setting(
            key: key, expected: "a text",
            read: { configuration, text in
                configuration[keyPath: path] = text.isEmpty ? nil : text
                return true
            }, write: { $0[keyPath: path] })
    }

    private static func flag(_ key: String, _ path: any WritableKeyPath<Self, Bool> & Sendable) -> Setting {
        Setting(
            key: key, expected: "true or false",
            read: { configuration, text in
                guard let value = ["true": true, "1": true, "false": false, "0": false][text] else { return false }
                configuration[keyPath: path] = value
                return true
            }, write: { $0[keyPath: path] ? "true" : "false" })
    }

    private static func choice<Choice: RawRepresentable & CaseIterable>(
        _ key: String, _ path: any WritableKeyPath<Self, Choice> & Sendable
    ) -> Setting where Choice.RawValue == String, Choice: SendableMetatype {
        Setting(
            key: key, expected: Choice.allCases.map(\.rawValue).joined(separator: " or "),
            read: { configuration, text in
                guard let value = Choice(rawValue: text) else { return false }
                configuration[keyPath: path] = value
                return true
            }, write: { $0[keyPath: path].rawValue })
    }

    private static func list(
        _ key: String, _ expected: String, _ path: any WritableKeyPath<Self, [String]> & Sendable
    ) -> Setting {
        Setting(
            key: key, expected: "\(expected) with commas between",
            read: { configuration, text in
                configuration[keyPath: path] = text.split(separator: ",").map { trimmed($0) }
                return true
            }, write: { $0[keyPath: path].isEmpty ? nil : $0[keyPath: path].joined(separator: ",") })
    }

    /// Names that gunicorn has for the same, and the flag's own.
    private static let otherNames = ["access-logfile": "access-log", "model": "models"]

    private static let settings: [Setting] = [
        addresses("bind", \.bind, defaultPort: 8000),
        addresses("metrics-bind", \.metricsBind, defaultPort: 8001),
        octal("socket-mode", \.socketMode),
        octal("umask", \.umask),
        choice("mode", \.mode),
        optionalNumber("workers", \.workers, 1...FleetLimits.maxWorkers),
        optionalNumber("threads", \.threads, 1...FleetLimits.maxThreadsOfWorker),
        text("weights", \.weights),
        list("models", "names", \.models),
        choice("precision", \.precision),
        text("digit-model", \.digitModel),
        text("state-file", \.stateFile),
        text("api-keys", \.apiKeys),
        flag("no-auth", \.noAuth),
        flag("no-page", \.noPage),
        flag("admin", \.admin),
        list("allowed-hosts", "names of hosts", \.allowedHosts),
        list("cors", "sites, as https://example.org,", \.cors),
        number("timeout", \.timeout, 1...3600),
        number("graceful-timeout", \.gracefulTimeout, 0...3600),
        number("drain-delay", \.drainDelay, 0...3600),
        number("keep-alive", \.keepAlive, 1...3600),
        number("deadline", \.deadline, 1...3600),
        number("queue", \.queue, 1...100_000),
        number("max-requests", \.maxRequests, 0...1_000_000_000),
        number("max-requests-jitter", \.maxRequestsJitter, 0...1_000_000_000),
        number("max-batch", \.maxBatch, 1...100_000),
        number("max-body-bytes", \.maxBodyBytes, 1024...(1 << 30)),
        number("max-pixels", \.maxPixels, 1...1_000_000_000),
        number("max-connections", \.maxConnections, 1...100_000),
        number("max-connections-per-address", \.maxConnectionsPerAddress, 0...100_000),
        number("max-decoded-bytes", \.maxDecodedBytes, (1 << 20)...(1 << 40)),
        text("access-log", \.accessLog),
        Setting(
            key: "log-format",
            expected: #"text, json, or gunicorn's atoms, as %(h)s "%(r)s" %(s)s, none of which would log a key"#,
            read: { configuration, text in
                guard let format = AccessLogFormat(text) else { return false }
                configuration.logFormat = format
                return true
            }, write: { $0.logFormat.description }),
        Setting(
            key: "forwarded-allow-ips", expected: "addresses or networks with commas between, or *",
            read: { configuration, text in
                guard let proxies = TrustedProxies(text) else { return false }
                configuration.forwardedAllowIPs = proxies
                return true
            }, write: { $0.forwardedAllowIPs.text }),
        text("error-logfile", \.errorLog),
        choice("log-level", \.logLevel),
        text("pid", \.pid),
        flag("daemon", \.daemon),
    ]
}
