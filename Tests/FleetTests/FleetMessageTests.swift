// SPDX-License-Identifier: MIT

import Fleet
import Testing

@Suite struct FleetMessageTests {
    @Test(arguments: [
        FleetMessage.ready("models: a"), .failed("no such file"), .unloadable(model: "a", problem: "it is cut off"),
        .unloadable(model: "", problem: ""), .recycle, .load(request: 3, model: "a"), .unload(request: 4, model: "a"),
        .reply(request: 5, problem: ""), .reply(request: 6, problem: "there is no model 'b'"), .drain,
        .busy(request: 7),
    ])
    func comesBackFromItsDatagram(message: FleetMessage) {
        #expect(FleetMessage(message.bytes) == message)
    }

    @Test(arguments: ["", " ", "reply x", "load", "walk 3"])
    func anyOtherDatagramIsNoMessage(text: String) {
        #expect(FleetMessage(Array(text.utf8)) == nil)
    }

    @Test func aLongTextIsCutToADatagram() {
        #expect(FleetMessage.failed(String(repeating: "x", count: 10_000)).bytes.count == 4096)
    }
}
