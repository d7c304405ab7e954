// SPDX-License-Identifier: MIT

import SystemCalls
import Testing

@testable import Fleet

@Suite struct ServerConfigurationTests {
    /// Never more workers than a fleet can have, and on large machines still a thread for each core.
    @Test(arguments: [(1, 1, 1), (2, 2, 1), (48, 48, 1), (64, 48, 1), (96, 48, 2), (160, 48, 3), (1024, 48, 21)])
    func processesAreClamped(cores: Int, workers: Int, threads: Int) {
        let layout = ServerConfiguration().layout(cores: cores)
        #expect(layout == (workers, threads))
    }

    @Test(arguments: [(1, 1), (96, 96), (1024, 256)])
    func threadsAreClamped(cores: Int, threads: Int) throws {
        var configuration = ServerConfiguration()
        try configuration.set("mode", "thread")
        #expect(configuration.layout(cores: cores) == (1, threads))
    }

    @Test func whatIsAskedForIsTaken() throws {
        var configuration = ServerConfiguration()
        try configuration.set("workers", "3")
        #expect(configuration.layout(cores: 96) == (3, 1))
        try configuration.set("threads", "2")
        #expect(configuration.layout(cores: 2) == (3, 2))
    }

    @Test func addressesAreCountedAndKeptApart() throws {
        var configuration = ServerConfiguration()
        configuration.bind = (0..<64).map { .unix(path: "/tmp/\($0)") }
        try configuration.check()
        configuration.metricsBind = [.unix(path: "/tmp/metrics")]
        #expect(throws: ConfigurationError.contradiction("65 addresses are more than 64")) {
            try configuration.check()
        }
        configuration.bind = [.unix(path: "/tmp/metrics")]
        #expect(throws: ConfigurationError.self) { try configuration.check() }
    }

    @Test func aDaemonsMessagesHaveAPlace() throws {
        var configuration = ServerConfiguration()
        #expect(configuration.errorLogPath == nil)
        configuration.daemon = true
        #expect(throws: ConfigurationError.self) { try configuration.check() }
        configuration.pid = "/run/x.pid"
        try configuration.check()
        #expect(configuration.errorLogPath == "/run/x.pid.log")
        configuration.errorLog = "/var/log/x"
        #expect(configuration.errorLogPath == "/var/log/x")
        configuration.errorLog = "-"
        #expect(throws: ConfigurationError.self) { try configuration.check() }
    }

    @Test func settingsAreWrittenAndReadAgain() throws {
        var configuration = ServerConfiguration()
        for (key, value) in [
            ("metrics-bind", "127.0.0.1:9000,unix:/tmp/m"), ("socket-mode", "660"), ("umask", "027"),
            ("error-logfile", "/tmp/e"), ("log-level", "warning"), ("max-connections-per-address", "7"),
            ("max-decoded-bytes", "100000000"),
        ] {
            try configuration.set(key, value)
        }
        #expect(configuration.socketMode == 0o660 && configuration.umask == 0o27)
        var again = ServerConfiguration()
        try again.apply(text: configuration.text)
        #expect(again == configuration)
    }

    @Test(arguments: [
        ("socket-mode", "888"), ("umask", "7777"), ("umask", "-1"), ("log-level", "loud"), ("umask", "+7"),
    ])
    func wrongValuesAreRefused(key: String, value: String) {
        var configuration = ServerConfiguration()
        #expect(throws: ConfigurationError.self) { try configuration.set(key, value) }
    }

    /// `model` is another name of `models`.
    @Test(arguments: [
        ("workers = 2\n# two\nworkers = 3", "line 3: 'workers' is set on line 1 already; keep one of them"),
        ("queue = 2\nmodels = a\nmodel = b", "line 3: 'models' is set on line 2 already; keep one of them"),
    ])
    func settingsThatStandTwiceAreRefused(text: String, problem: String) throws {
        var configuration = ServerConfiguration()
        let error = try #require(throws: ConfigurationError.self) { try configuration.apply(text: text) }
        #expect(error.description == problem)
    }

    /// Against dates that are known.
    @Test(arguments: [
        (0, "1970-01-01 00:00:00 +0000"), (951_782_399, "2000-02-28 23:59:59 +0000"),
        (951_782_400, "2000-02-29 00:00:00 +0000"), (1_709_251_199, "2024-02-29 23:59:59 +0000"),
        (1_767_225_600, "2026-01-01 00:00:00 +0000"), (4_102_444_799, "2099-12-31 23:59:59 +0000"),
    ])
    func tellsTime(seconds: Int, text: String) {
        #expect(timestamp(secondsSince1970: seconds) == text)
    }
}
