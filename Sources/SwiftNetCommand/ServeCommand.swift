// SPDX-License-Identifier: MIT

import ArgumentParser
import Fleet
import Serving
import SystemCalls

/// `swiftnet serve`: answers over HTTP.
struct ServeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve", _superCommandName: SwiftNetCommand.name,
        abstract: "Serve models over HTTP.",
        discussion: """
            Answers POST /inference (digits), /predict/{model} and /rotate (images), TensorFlow Serving's /v1 and the \
            Open Inference Protocol's /v2; over gRPC and gRPC-Web the Open Inference Protocol, the photo service, health \
            checks and reflection. GET /openapi.json describes them all, GET /metrics counts.

            EXAMPLES
              swiftnet serve
              swiftnet serve --mode thread --threads 4 --bind unix:/run/swiftnet.sock
              swiftnet serve --bind 0.0.0.0:8000 --api-keys keys.txt --access-log -
              curl --data-binary @digit.png -H 'Content-Type: image/png' localhost:8000/inference

            SETTINGS
              Each flag can stand in a configuration file, as 'name = value', and in the environment, as \
            SWIFTNET_NAME. A flag wins over the environment, and the environment over the file.

            SIGNALS
              TERM, INT   finish what was accepted, then end; the second one ends at once
              HUP         read settings, keys and weights again, losing no request
              TTIN, TTOU  one worker more, one worker less
              USR1        open the logs anew, after they have been renamed
              USR2        start the program anew beside this one, on the same sockets: to upgrade it
              WINCH       while the newer one serves: let all workers of this one finish; HUP starts them again

            EXIT CODES
              0   ended as asked
              1   could not start, or was stopped before all was finished
              64  wrong usage
              65  a file that is named holds something else
              66  a file, a folder or a host that is named is not there
            """)

    @OptionGroup(title: "Where") var place: PlaceOptions
    @OptionGroup(title: "What") var models: ServedModelOptions
    @OptionGroup(title: "Who") var access: AccessOptions
    @OptionGroup(title: "How long, how much") var limits: LimitOptions
    @OptionGroup(title: "Around it") var surroundings: SurroundingOptions

    func run() throws {
        try Failure.reporting {
            var configuration = ServerConfiguration()
            do {
                configuration = try settings()
                try configuration.check()
                _ = try configuration.siteRules()
            } catch let error as ConfigurationError {
                throw ValidationError("\(error).")
            }
            _ = try configuration.keyText()
            if surroundings.checkConfig {
                try configuration.checkModels()
                return try writeStandardOutput(configuration.text)
            }
            if configuration.daemon, !DaemonLauncher.isLaunched, !Successor.isThisProcess {
                try configuration.checkModels()
                throw try ExitCode(DaemonLauncher.launch())
            }
            throw try ExitCode(Service(configuration, settings: settings).run())
        }
    }

    /// The settings of file, environment and flags, in this order.
    private func settings() throws -> ServerConfiguration {
        var configuration = ServerConfiguration()
        if let path = surroundings.config {
            let bytes = try FileDescriptor.contents(of: path, limit: 1 << 20)
            do {
                try configuration.apply(text: String(decoding: bytes, as: UTF8.self))
            } catch {
                throw ConfigurationError.at(place: path, error)
            }
        }
        try configuration.apply(environment: ProcessEnvironment.value)
        let given = place.settings + models.settings + access.settings + limits.settings + surroundings.settings
        for (name, value) in given { if let value { try configuration.set(name, value) } }
        return configuration
    }
}

/// A setting's name and the text of its flag, if it was given.
typealias Setting = (String, String?)

/// Where the server listens, and how it uses the cores.
struct PlaceOptions: ParsableArguments {
    @Option(
        name: .shortAndLong,
        help: ArgumentHelp(
            "Where to listen; may be repeated. An address that others can reach needs --api-keys or --no-auth. "
                + "(default: 127.0.0.1:8000)", valueName: "host:port|unix:path"))
    var bind: [String] = []

    @Option(
        help: ArgumentHelp(
            "Use the cores by processes, of which a crash takes one, or by threads of one process. (default: process)",
            valueName: "process|thread"), completion: .list(ServerConfiguration.Mode.allCases.map(\.rawValue)))
    var mode: String?

    @Option(
        name: .shortAndLong,
        help: ArgumentHelp("Worker processes. (default: usable cores; 1 in thread mode)", valueName: "n"))
    var workers: String?

    @Option(
        help: ArgumentHelp(
            "Inference threads in each worker. (default: 1; usable cores in thread mode)", valueName: "n"))
    var threads: String?

    @Option(
        help: ArgumentHelp(
            "Where to read metrics, without a key and nowhere else; may be repeated. (default: where requests come to)",
            valueName: "host:port|unix:path"))
    var metricsBind: [String] = []

    @Option(
        help: ArgumentHelp(
            "The permissions of unix sockets, as 660. (default: what the umask leaves)", valueName: "octal"))
    var socketMode: String?

    var settings: [Setting] {
        [
            ("metrics-bind", metricsBind.isEmpty ? nil : metricsBind.joined(separator: ",")),
            ("socket-mode", socketMode),
            ("bind", bind.isEmpty ? nil : bind.joined(separator: ",")), ("mode", mode), ("workers", workers),
            ("threads", threads),
        ]
    }
}

/// What is served.
struct ServedModelOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The model repository. (default: $SWIFTNET_WEIGHTS, share/swiftnet beside the program, or the package's Weights)",
            valueName: "dir"), completion: .directory)
    var weights: String?

    @Option(
        help: ArgumentHelp(
            "A model to serve, as name or name@version; may be repeated. (default: all, newest versions)",
            valueName: "model"), completion: .custom(ModelNames.completeWithVersions))
    var model: [String] = []

    @Option(
        help: ArgumentHelp(
            "Serve the models' files in this precision: f32 or int8, which 'swiftnet quantize' makes. (default: f32)",
            valueName: "name"), completion: .list(["f32", "int8"]))
    var precision: String?

    @Option(
        help: ArgumentHelp("The model behind /inference. (default: the first for digits)", valueName: "model"),
        completion: .custom(ModelNames.complete))
    var digitModel: String?

    @Option(
        help: ArgumentHelp(
            "Keep here over a restart what clients change of the models by --admin: loaded, unloaded, another version.",
            valueName: "file"), completion: .file())
    var stateFile: String?

    var settings: [Setting] {
        [
            ("weights", weights), ("models", model.isEmpty ? nil : model.joined(separator: ",")),
            ("precision", precision),
            ("digit-model", digitModel), ("state-file", stateFile),
        ]
    }
}

/// Who may ask.
struct AccessOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Keys, one a line, of which each request but the health probes must bring one, as "
                + "'Authorization: Bearer KEY' or 'access_token: KEY'. Behind a key may stand what it may do: "
                + "'KEY predict,metrics,admin'.", valueName: "file"), completion: .file())
    var apiKeys: String?

    @Flag(help: "Let everyone in, also from other machines.")
    var noAuth = false

    @Flag(help: "Leave out the page for people, at '/'.")
    var noPage = false

    @Flag(help: "Allow models to be loaded and unloaded by request.")
    var admin = false

    @Option(
        help: ArgumentHelp(
            "Names of this server besides those it is bound to, with commas between: example.org, .example.org for all "
                + "below, or *. Requests for other names are refused; without this, only where it listens on loopback or "
                + "a unix socket.", valueName: "host,…"))
    var allowedHosts: String?

    @Option(
        help: ArgumentHelp(
            "Sites whose web pages may use the server, as https://example.org, with commas between, or *.",
            valueName: "origin,…"))
    var cors: String?

    @Option(
        help: ArgumentHelp(
            "Proxies whose X-Forwarded-For the access log believes: addresses, networks, or *. "
                + "(default: 127.0.0.1,::1, and unix sockets)", valueName: "ip,…"))
    var forwardedAllowIps: String?

    var settings: [Setting] {
        [
            ("api-keys", apiKeys), ("no-auth", noAuth ? "true" : nil),
            ("no-page", noPage ? "true" : nil), ("admin", admin ? "true" : nil),
            ("allowed-hosts", allowedHosts), ("cors", cors), ("forwarded-allow-ips", forwardedAllowIps),
        ]
    }
}

/// Times in seconds, and sizes.
struct LimitOptions: ParsableArguments {
    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("A worker whose work hangs so long is replaced. (default: 30)", valueName: "s"))
    var timeout: String?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("A worker that is to end has so long to finish. (default: 30)", valueName: "s"))
    var gracefulTimeout: String?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "Serve on for so long after TERM while readiness says 503, so that load balancers turn away. (default: 0)",
            valueName: "s"))
    var drainDelay: String?

    @Option(parsing: .unconditional, help: ArgumentHelp("A connection may idle so long. (default: 15)", valueName: "s"))
    var keepAlive: String?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("A request may wait so long for a thread. (default: 10)", valueName: "s"))
    var deadline: String?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("So many requests may wait in each worker; more get 503. (default: 128)", valueName: "n"))
    var queue: String?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("Replace a worker after so many requests; 0 for never. (default: 0)", valueName: "n"))
    var maxRequests: String?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("Add up to so many, by chance, to --max-requests. (default: 0)", valueName: "n"))
    var maxRequestsJitter: String?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("The most images or rows of a request. (default: 256)", valueName: "n"))
    var maxBatch: String?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("The largest body, before and after decompression. (default: 16777216)", valueName: "n"))
    var maxBodyBytes: String?

    @Option(
        parsing: .unconditional, help: ArgumentHelp("The most pixels of an image. (default: 50000000)", valueName: "n"))
    var maxPixels: String?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "The most connections of a worker; the one that idles the longest makes room. (default: 2048)",
            valueName: "n"))
    var maxConnections: String?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "The most connections of one address to a worker; more are closed. An IPv6 address counts by its first 64 bits. "
                + "0 for no limit. (default: 0)", valueName: "n"))
    var maxConnectionsPerAddress: String?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "The most bytes that images take in a worker while they are decoded; more wait. (default: 536870912)",
            valueName: "n"))
    var maxDecodedBytes: String?

    var settings: [Setting] {
        [
            ("timeout", timeout), ("graceful-timeout", gracefulTimeout), ("drain-delay", drainDelay),
            ("keep-alive", keepAlive), ("deadline", deadline), ("queue", queue), ("max-requests", maxRequests),
            ("max-requests-jitter", maxRequestsJitter), ("max-batch", maxBatch), ("max-body-bytes", maxBodyBytes),
            ("max-pixels", maxPixels), ("max-connections", maxConnections),
            ("max-connections-per-address", maxConnectionsPerAddress), ("max-decoded-bytes", maxDecodedBytes),
        ]
    }
}

/// Files, logs, the terminal.
struct SurroundingOptions: ParsableArguments {
    @Option(name: .shortAndLong, help: ArgumentHelp("A file of settings.", valueName: "file"), completion: .file())
    var config: String?

    @Flag(help: "Print the settings that would hold, and end.")
    var checkConfig = false

    @Option(
        name: [.customLong("access-log"), .customLong("access-logfile")],
        help: ArgumentHelp("Write a line for each request; '-' for standard output.", valueName: "file|-"),
        completion: .file())
    var accessLog: String?

    @Option(
        help: ArgumentHelp(
            "How these lines look: text, json, or gunicorn's atoms, as '%(h)s %(t)s \"%(r)s\" %(s)s'. (default: text)",
            valueName: "text|json|atoms"))
    var logFormat: String?

    @Option(
        help: ArgumentHelp(
            "Write the supervisor's messages here; '-' for standard error. (default: standard error; the pid file's name "
                + "and .log for a daemon)", valueName: "file|-"), completion: .file())
    var errorLogfile: String?

    @Option(
        help: ArgumentHelp(
            "Leave out messages that matter less: debug, info, warning, error, critical. (default: info)",
            valueName: "level"), completion: .list(LogLevel.allCases.map(\.rawValue)))
    var logLevel: String?

    @Option(
        name: .shortAndLong, help: ArgumentHelp("Write the supervisor's process number here.", valueName: "file"),
        completion: .file())
    var pid: String?

    @Flag(name: [.customShort("D"), .long], help: "Leave the terminal once the server serves.")
    var daemon = false

    @Option(help: ArgumentHelp("Permissions that files and sockets do not get, as 027.", valueName: "octal"))
    var umask: String?

    var settings: [Setting] {
        [
            ("access-log", accessLog), ("log-format", logFormat), ("pid", pid), ("daemon", daemon ? "true" : nil),
            ("error-logfile", errorLogfile), ("log-level", logLevel), ("umask", umask),
        ]
    }
}

/// `swiftnet serve-worker`: what the supervisor starts.
struct ServeWorkerCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve-worker", _superCommandName: SwiftNetCommand.name,
        abstract: "Answer requests for a supervisor.", shouldDisplay: false)

    func run() throws {
        try Failure.reporting {
            let environment = ProcessEnvironment.value
            if Preparer.isWanted(environment: environment) {
                throw ExitCode(try Preparer(environment: environment).run())
            }
            throw ExitCode(try Worker(environment: environment).run())
        }
    }
}
