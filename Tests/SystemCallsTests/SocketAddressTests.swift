// SPDX-License-Identifier: MIT

import SystemCalls
import Testing

@Suite struct SocketAddressTests {
    @Test(arguments: [
        ("127.0.0.1:80", SocketAddress.tcp(host: "127.0.0.1", port: 80)),
        ("localhost", .tcp(host: "localhost", port: 8000)),
        (":9000", .tcp(host: "127.0.0.1", port: 9000)), ("[::1]:80", .tcp(host: "::1", port: 80)),
        ("[::]", .tcp(host: "::", port: 8000)), ("unix:/run/x.sock", .unix(path: "/run/x.sock")),
    ])
    func readsAddresses(text: String, expected: SocketAddress) {
        #expect(SocketAddress(text, defaultPort: 8000) == expected)
        #expect(SocketAddress(expected.description) == expected)
    }

    @Test(arguments: [
        "a:", "a:65536", "a:-1", "a:+1", "a:1x", "http://a:1", "a b:1", "unix:",
        "unix:\(String(repeating: "x", count: 108))",
    ])
    func refusesOtherTexts(text: String) {
        #expect(SocketAddress(text, defaultPort: 8000) == nil)
    }

    @Test func knowsWhatOtherMachinesCanReach() {
        for text in ["127.0.0.1:1", "127.9.9.9:1", "localhost:1", "[::1]:1", "unix:/x"] {
            #expect(SocketAddress(text)?.isLocal == true)
        }
        for text in ["0.0.0.0:1", "[::]:1", "10.0.0.1:1", "127.example.org:1", "localhost.example.org:1"] {
            #expect(SocketAddress(text)?.isLocal == false)
        }
    }

    @Test func aListenerGivesItsPortAndAcceptsWithoutWaiting() throws {
        let listener = try FileDescriptor.listening(on: .tcp(host: "127.0.0.1", port: 0))
        let port = try #require(listener.localPort)
        #expect(port > 0)
        #expect(try listener.accept() == nil)
        let client = try FileDescriptor.connected(to: .tcp(host: "127.0.0.1", port: port))
        #expect(try listener.accept() != nil)
        #expect(throws: SystemError.self) { try FileDescriptor.listening(on: .tcp(host: "127.0.0.1", port: port)) }
        withExtendedLifetime(client) {}
    }

    @Test func memoryIsFilledOnceAndThenReadOnly() throws {
        let memory = try FileDescriptor.unfilledMemory(name: "test")
        try memory.fillOnce(byteCount: 100) { $0[99] = 7 }
        let mapping = try MappedFile(descriptor: memory, subject: "test")
        withExtendedLifetime(mapping) { #expect(mapping.bytes[99] == 7) }
        #expect(throws: SystemError.self) { try memory.fillOnce(byteCount: 100) { $0[99] = 8 } }
        #expect(throws: SystemError.self) { try memory.fillOnce(byteCount: 200) { _ in } }
    }
}
