// SPDX-License-Identifier: MIT

import Fleet
import SystemCalls
import Testing
import Transport

@Suite struct FleetMessageTests {
    @Test(arguments: [
        FleetMessage.ready("models: a"), .failed("no such file"), .unloadable(model: "a", problem: "it is cut off"),
        .unloadable(model: "", problem: ""), .recycle, .prepared(model: "a"), .load(request: 3, model: "a"),
        .unload(request: 4, model: "a"),
        .use(request: 4, model: "a@1"),
        .reply(request: 5, problem: ""), .reply(request: 6, problem: "there is no model 'b'"), .drain,
        .busy(request: 7), .stuck, .reopenLog, .connection(isLocal: true, requests: 12),
        .connection(isLocal: false, requests: 0),
    ])
    func comesBackFromItsDatagram(message: FleetMessage) {
        #expect(FleetMessage(message.bytes) == message)
    }

    @Test(arguments: ["", " ", "reply x", "load", "walk 3"])
    func anyOtherDatagramIsNoMessage(text: String) {
        #expect(FleetMessage(Array(text.utf8)) == nil)
    }

    /// The socket that comes out is the one that went in, with what is known of it.
    @Test func aConnectionIsHandedOver() throws {
        let (left, right) = try FileDescriptor.messageChannel()
        let (sender, receiver) = (FleetChannel(left), FleetChannel(right))
        let (near, far) = try FileDescriptor.messageChannel()
        #expect(sender.send(HandedConnection(socket: near, isLocal: true, requestCount: 5)))
        sender.send(.recycle)
        guard case .connection(let handed)? = receiver.receive() else {
            Issue.record("no connection came")
            return
        }
        #expect(handed.isLocal && handed.requestCount == 5 && handed.socket.rawValue != near.rawValue)
        _ = try [UInt8](arrayLiteral: 7).withUnsafeBytes { try handed.socket.send($0) }
        var byte: UInt8 = 0
        #expect(try withUnsafeMutableBytes(of: &byte) { try far.receive(into: $0) } == 1)
        #expect(byte == 7)
        guard case .message(.recycle)? = receiver.receive() else {
            Issue.record("no message came behind it")
            return
        }
        if receiver.receive() != nil { Issue.record("there is more") }
    }

    @Test func aLongTextIsCutToADatagram() {
        #expect(FleetMessage.failed(String(repeating: "x", count: 10_000)).bytes.count == 4096)
    }
}
