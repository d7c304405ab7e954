// SPDX-License-Identifier: MIT

import SystemCalls
import Testing

@Suite struct IPAddressTests {
    @Test(arguments: ["127.0.0.1", "192.0.2.255", "0.0.0.0", "::1", "2001:db8::1", "::", "fe80::1"])
    func isWrittenAsItIsRead(text: String) throws {
        #expect(try #require(IPAddress(text)).description == text)
    }

    @Test(arguments: [
        "", "1", "1.2.3", "1.2.3.4.5", "256.1.1.1", "1.2.3.04", "localhost", "[::1]", "::1%lo", "1.2.3.4:80",
        "1.2.3.4 ",
        "\u{661}.1.1.1", "1.2.3.4\u{0}",
    ])
    func refusesWhatIsNoAddress(text: String) { #expect(IPAddress(text) == nil) }

    @Test func anAddressOfVersion4HasTwoForms() {
        #expect(IPAddress("::ffff:10.1.2.3") == IPAddress("10.1.2.3"))
        #expect(IPAddress("::ffff:127.0.0.1")?.isLoopback == true)
    }

    @Test(arguments: [
        ("127.0.0.1", true), ("127.255.1.2", true), ("::1", true), ("128.0.0.1", false), ("0.0.0.0", false),
        ("::", false), ("::2", false), ("::7f00:1", false),
    ])
    func knowsItsOwnMachine(text: String, expected: Bool) { #expect(IPAddress(text)?.isLoopback == expected) }

    @Test(arguments: [
        ("10.0.0.0/8", "10.255.0.1", true), ("10.0.0.0/8", "11.0.0.1", false), ("10.1.0.0/16", "10.1.9.9", true),
        ("10.1.0.0/16", "10.2.0.0", false), ("0.0.0.0/0", "200.1.2.3", true), ("0.0.0.0/0", "2001:db8::1", false),
        ("10.1.2.3", "10.1.2.3", true), ("10.1.2.3", "10.1.2.4", false), ("10.1.2.2/31", "10.1.2.3", true),
        ("2001:db8::/32", "2001:db8:1::9", true), ("2001:db8::/32", "2001:db9::", false), ("::/0", "::1", true),
        ("2001:db8::1:0/112", "2001:db8::1:ffff", true), ("2001:db8::1:0/112", "2001:db8::2:0", false),
        ("10.0.0.0/8", "::ffff:10.9.9.9", true),
    ])
    func aNetworkHoldsWhatBeginsAlike(network: String, address: String, expected: Bool) throws {
        #expect(try #require(IPNetwork(network)).contains(#require(IPAddress(address))) == expected)
        #expect(IPNetwork(network)?.description == network)
    }

    @Test(arguments: [
        "", "/8", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/+8", "::/129", "10.0.0.0/8/8", "a/8",
    ])
    func refusesWhatIsNoNetwork(text: String) { #expect(IPNetwork(text) == nil) }

    @Test func aConnectionHasTheAddressesOfItsEnds() throws {
        let listener = try FileDescriptor.listening(on: .tcp(host: "127.0.0.1", port: 0))
        #expect(listener.localAddress == IPAddress("127.0.0.1"))
        #expect(listener.peerAddress == nil)
        let client = try FileDescriptor.connected(to: .tcp(host: "127.0.0.1", port: #require(listener.localPort)))
        #expect(client.peerAddress == IPAddress("127.0.0.1"))
        let channel = try FileDescriptor.messageChannel()
        #expect(channel.0.peerAddress == nil && channel.0.localAddress == nil)
    }
}
