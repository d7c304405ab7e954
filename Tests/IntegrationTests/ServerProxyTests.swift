// SPDX-License-Identifier: MIT

import Foundation
import Protobuf
import SystemCalls
import TestSupport
import Testing

/// The configuration of nginx that the documentation shows, before a real server. It runs where nginx, OpenSSL and curl are
/// installed.
@Suite(.serialized) struct ServerProxyTests {
    private static let isInstalled = ["/usr/sbin/nginx", "/usr/bin/openssl", "/usr/bin/curl"].allSatisfy {
        FileManager.default.isExecutableFile(atPath: $0)
    }

    @Test(.enabled(if: isInstalled, "nginx, openssl or curl is not installed"), arguments: ["process", "thread"])
    func theExampleForNginxWorks(mode: String) throws {
        let log = try TemporaryFolder()
        let server = try ServerProcess(
            mode: mode,
            [
                "--allowed-hosts", "api.example.org", "--access-log", log.path("log"), "--log-format",
                #"%(h)s "%(r)s" %(s)s %({host}i)s"#,
            ])
        let proxy = try Proxy(to: server)
        let digit = "@" + ServerProcess.packageRoot.appending(path: "Examples/digit.png").path
        #expect(
            try proxy.curl(["--http2", "-w", "%{http_version} %{http_code}", "-o", "/dev/null"], "/healthz") == "2 200")
        let image = ["-H", "Content-Type: image/png", "--data-binary", digit]
        #expect(try proxy.curl(["--http2"] + image, "/inference") == "7")
        #expect(try proxy.curl(["--http1.1"] + image, "/inference") == "7")
        let lines = try String(contentsOfFile: log.path("log"), encoding: .utf8).split(separator: "\n")
        #expect(lines.last.map(String.init) == #"127.0.0.1 "POST /inference HTTP/1.1" 200 api.example.org"#)
        // curl's own address is that of a proxy, as the log sees it, so it is asked whom it names.
        _ = try proxy.curl(["-H", "X-Forwarded-For: 192.0.2.66"], "/v2")
        let last = try String(contentsOfFile: log.path("log"), encoding: .utf8).split(separator: "\n").last
        #expect(last?.hasPrefix(#"192.0.2.66 "GET /v2 "#) == true)
        // A call of gRPC goes on by HTTP/2, and its trailers come back.
        try Data([0, 0, 0, 0, 0]).write(to: URL(filePath: log.path("call")))
        let call = try proxy.curl(
            [
                "--http2", "-H", "content-type: application/grpc", "-H", "te: trailers", "--data-binary",
                "@\(log.path("call"))", "-D", "-",
            ], "/inference.GRPCInferenceService/ServerLive")
        #expect(call.contains("HTTP/2 200") && call.contains("grpc-status: 0"), "\(call)")
        #expect(
            try String(contentsOfFile: log.path("log"), encoding: .utf8).contains(
                #"127.0.0.1 "POST /inference.GRPCInferenceService/ServerLive HTTP/2.0" 200 api.example.org"#))
        #expect(try proxy.status("/metrics") == "403")
        #expect(try proxy.status("/v2/repository/models/mnist/unload", ["-X", "POST"]) == "403")
        #expect(try proxy.status("/healthz", ["--http1.1"], scheme: "http") == "308")
        let large = log.path("large")
        try Data(count: (16 << 20) + 1).write(to: URL(filePath: large))
        #expect(try proxy.status("/inference", ["--data-binary", "@\(large)"]) == "413")
        // Another name: no answer from nginx.
        #expect(try proxy.status("/v2", host: "evil.example") == "000")
        try callsOfGRPCPass(proxy, log)
        let many = (0..<400).map { _ in "/healthz" }
        let statuses = try proxy.curl(["-w", "%{http_code}\n", "-o", "/dev/null"], many)
        #expect(statuses.contains("200\n"))
        #expect(statuses.contains("429\n"), "the limit of requests does not hold")
    }

    /// A photo's turn through nginx, which speaks HTTP/2 on both sides.
    private func callsOfGRPCPass(_ proxy: Proxy, _ folder: TemporaryFolder) throws {
        let photo = Array(
            try Data(contentsOf: ServerProcess.packageRoot.appending(path: "Examples/photo.jpg")))
        var message = ProtobufWriter()
        message.write(1, bytes: photo)
        try Data(GRPCWeb.frame(message.bytes)).write(to: folder.url.appending(path: "call"))
        let answer = try proxy.curl(
            [
                "--http2", "-H", "Content-Type: application/grpc", "-H", "TE: trailers", "--data-binary",
                "@" + folder.path("call"), "-o", folder.path("answer"), "-D", "-",
            ], "/InferenceImage/Inference")
        #expect(answer.contains("HTTP/2 200") && answer.contains("grpc-status: 0"), "\(answer)")
        let body = Array(try Data(contentsOf: folder.url.appending(path: "answer")))
        #expect(body.count > 10 && Array(body.suffix(2)) == [0x20, 1], "success is its last field")
        #expect(try proxy.status("/ModelVersion/Change", ["-X", "POST"]) == "403")
    }

    /// nginx with the example's configuration, its ports and paths replaced.
    private final class Proxy {
        private let folder: TemporaryFolder
        private let ports: (plain: UInt16, secure: UInt16)
        private let process: ChildProcess

        init(to server: ServerProcess) throws {
            let folder = try TemporaryFolder()
            self.folder = folder
            let ports = try (Self.freePort(), Self.freePort())
            self.ports = ports
            let certificate = (folder.path("certificate"), folder.path("key"))
            let made = try Command.run(
                path: "/usr/bin/openssl",
                [
                    "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                    "-subj", "/CN=api.example.org", "-addext", "subjectAltName=DNS:api.example.org",
                    "-out", certificate.0, "-keyout", certificate.1,
                ])
            #expect(made.exitCode == 0, "\(made.errors)")
            var text = try String(
                contentsOf: ServerProcess.packageRoot.appending(path: "Examples/nginx/swiftnet.conf"), encoding: .utf8)
            for (old, new) in [
                ("unix:/run/swiftnet/socket", server.address.description), ("/etc/ssl/swiftnet.pem", certificate.0),
                ("/etc/ssl/private/swiftnet.key", certificate.1), ("listen 80", "listen 127.0.0.1:\(ports.0)"),
                ("listen 443", "listen 127.0.0.1:\(ports.1)"),
            ] {
                #expect(text.contains(old), "the example says '\(old)' no more")
                text = text.replacing(old, with: new)
            }
            let folders = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map {
                "\($0)_temp_path \(folder.path($0));"
            }
            let whole = """
                daemon off; master_process off; pid \(folder.path("pid")); error_log \(folder.path("error"));
                events {}
                http { access_log off; \(folders.joined(separator: " "))
                \(text)}
                """
            try Data(whole.utf8).write(to: folder.url.appending(path: "conf"))
            let command = ["/usr/sbin/nginx", "-e", folder.path("error"), "-c", folder.path("conf")]
            process = try ChildProcess(
                executable: command[0], arguments: command, environment: ProcessEnvironment.variables,
                descriptors: [])
            if !eventually({ try self.status("/healthz") == "200" }) {
                let errors = try? String(contentsOfFile: folder.path("error"), encoding: .utf8)
                Issue.record("nginx does not serve: \(errors ?? "")")
            }
        }

        deinit {
            process.send(SignalNumber.terminate)
            _ = try? process.wait()
        }

        private static func freePort() throws -> UInt16 {
            try #require(FileDescriptor.listening(on: .tcp(host: "127.0.0.1", port: 0)).localPort)
        }

        func curl(_ flags: [String], _ path: String) throws -> String { try curl(flags, [path]) }

        /// What curl writes, whether or not it gets an answer.
        func curl(
            _ flags: [String], _ paths: [String], host: String = "api.example.org", scheme: String = "https"
        ) throws -> String {
            let port = scheme == "https" ? ports.secure : ports.plain
            let urls = paths.map { "\(scheme)://\(host):\(port)\($0)" }
            // With several addresses, '-o' counts for the first only.
            let outputs = paths.dropFirst().flatMap { _ in ["-o", "/dev/null"] }
            return try Command.run(
                path: "/usr/bin/curl",
                ["-sS", "-m", "20", "--cacert", folder.path("certificate"), "--resolve", "\(host):\(port):127.0.0.1"]
                    + (host == "api.example.org" ? [] : ["-k"]) + flags + outputs + urls
            ).output
        }

        func status(
            _ path: String, _ flags: [String] = [], host: String = "api.example.org", scheme: String = "https"
        ) throws -> String {
            try curl(["-o", "/dev/null", "-w", "%{http_code}"] + flags, [path], host: host, scheme: scheme)
        }
    }
}
