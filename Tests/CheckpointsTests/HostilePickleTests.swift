// SPDX-License-Identifier: MIT

import Checkpoints
import Testing

/// Attacks through the pickle: refused with the reason, or harmless.
@Suite("Hostile pickles")
struct HostilePickleTests {
    private typealias P = PickleBuilder

    @Test("bytes after the pickle are refused")
    func bytesAfterStop() {
        #expect(refusal(torchArchive(pickle: P.stateDict() + [0x4E]).build()) != nil)
        #expect(refusal(P.stateDict() + [0x4E]) != nil)
    }

    @Test("values left on the stack are refused")
    func leftovers() {
        #expect(refusal(torchArchive(pickle: P.file(P.dictionary([("w", P.tensor())]) + P.int(1))).build()) != nil)
    }

    @Test("a weight's name that occurs twice is refused")
    func duplicateKeys() {
        let pickle = P.file(P.dictionary([("w", P.tensor()), ("w", P.tensor(size: [2]))]))
        #expect(refusal(torchArchive(pickle: pickle).build()) == .clashingNames(first: "w", second: "w"))
    }

    @Test("a key that occurs twice is refused wherever it stands")
    func duplicatePlaces() {
        let weights = P.dictionary([("w", P.tensor())])
        let twice = P.dictionary([("state_dict", weights), ("state_dict", P.dictionary([("v", P.tensor())]))])
        #expect(
            refusal(torchArchive(pickle: P.file(twice)).build())
                == .clashingNames(first: "state_dict", second: "state_dict"))
        let within = P.dictionary([
            ("state_dict", weights), ("args", P.dictionary([("a", P.int(1)), ("a", P.int(2))])),
        ])
        #expect(refusal(torchArchive(pickle: P.file(within)).build()) == .clashingNames(first: "a", second: "a"))
    }

    @Test("modules that make one name in two ways are refused")
    func duplicateModuleNames() {
        func module(_ parameters: [(String, [UInt8])], _ modules: [(String, [UInt8])]) -> [UInt8] {
            let state = P.dictionary([("_parameters", P.dictionary(parameters)), ("_modules", P.dictionary(modules))])
            return P.global("m", "M") + [0x29, 0x81] + state + [0x62]
        }
        let root = module([("a.w", P.tensor())], [("a", module([("w", P.tensor(size: [2]))], []))])
        #expect(refusal(torchArchive(pickle: P.file(root)).build()) == .clashingNames(first: "a.w", second: "a.w"))
    }

    @Test("a pickle that states no protocol is read: protocols 0 and 1 have no statement")
    func noProtocol() throws {
        let pickle = Array(P.stateDict().dropFirst(2))
        #expect(try Checkpoint.read(torchArchive(pickle: pickle).build()).stateDict.names == ["w"])
    }

    @Test("a protocol that is stated twice, late, or unknown is refused")
    func misplacedProtocol() {
        for prefix in [[0x80, 2, 0x80, 2], [0x4E, 0x30, 0x80, 2], [0x80, 6]] as [[UInt8]] {
            let pickle = prefix + P.stateDict().dropFirst(2)
            guard case .malformed? = refusal(torchArchive(pickle: pickle).build()) else {
                Issue.record("not refused as malformed")
                return
            }
        }
    }

    @Test("names that are no UTF-8 are refused: surrogates and broken bytes")
    func invalidUTF8Keys() {
        for bytes in [[0xED, 0xA0, 0x80], [0xFF], [0xC3]] as [[UInt8]] {
            let pickle = P.file([0x7D, 0x58] + le(UInt32(bytes.count)) + bytes + P.tensor() + [0x73])
            #expect(refusal(torchArchive(pickle: pickle).build()) != nil)
        }
    }

    @Test("a list that contains itself is walked once")
    func selfContainingList() throws {
        let cycle: [UInt8] = [0x5D, 0x71, 0, 0x68, 0, 0x61]
        let pickle = P.file(P.dictionary([("w", P.tensor()), ("l", cycle)]))
        #expect(try Checkpoint.read(torchArchive(pickle: pickle).build()).stateDict.names == ["w"])
    }

    @Test("tuples that double forty times are walked once each")
    func memoDoubling() throws {
        var bomb: [UInt8] = [0x29, 0x71, 0]
        for slot in 0..<40 as Range<UInt8> { bomb += [0x68, slot, 0x86, 0x71, slot + 1] }
        let pickle = P.file(P.dictionary([("w", P.tensor()), ("b", bomb)]))
        #expect(try Checkpoint.read(torchArchive(pickle: pickle).build()).stateDict.names == ["w"])
    }

    @Test("nesting beyond the limit is passed over beside the weights, without recursion")
    func deepNesting() throws {
        let deep = [UInt8](repeating: 0x5D, count: 300_000) + [UInt8](repeating: 0x61, count: 299_999)
        let file = torchArchive(pickle: P.file(P.dictionary([("w", P.tensor()), ("d", deep)]))).build()
        let checkpoint = try Checkpoint.read(file)
        #expect(checkpoint.stateDict.names == ["w"])
        #expect(checkpoint.summary.passedOver.count == 1)
    }

    @Test("modules that contain each other twice do not explode")
    func moduleDoubling() {
        func module(_ modules: [UInt8]) -> [UInt8] {
            P.global("m", "M") + [0x29, 0x81]
                + P.dictionary([("_parameters", [0x7D]), ("_modules", modules)]) + [0x62]
        }
        var bomb = module([0x7D]) + [0x71, 0, 0x30]
        for slot in 0..<60 as Range<UInt8> {
            bomb +=
                module([0x7D, 0x28] + P.text("a") + [0x68, slot] + P.text("b") + [0x68, slot, 0x75]) + [
                    0x71, slot + 1, 0x30,
                ]
        }
        var limits = CheckpointLimits()
        limits.maxTensors = 10_000
        limits.maxDepth = 1000
        #expect(
            refusal(torchArchive(pickle: P.file(bomb + [0x68, 60])).build(), limits: limits)
                == .limitExceeded(limit: "maxTensors", maximum: 10_000))
    }

    @Test(
        "each limit of the pickle machine holds",
        arguments: [("maxOpcodes", 5), ("maxStack", 2), ("maxMemo", 0), ("maxPickleBytes", 10)])
    func pickleLimits(name: String, value: Int) {
        var limits = CheckpointLimits()
        let isKnown = limits.set(name, to: value)
        #expect(isKnown)
        let pickle = P.file([0x7D, 0x71, 0] + [0x28] + P.text("w") + P.tensor() + [0x75])
        #expect(
            refusal(torchArchive(pickle: pickle).build(), limits: limits) == .limitExceeded(limit: name, maximum: value)
        )
    }

    @Test("lengths that reach beyond the pickle take no memory", arguments: [0x58, 0x42, 0x8B, 0x54] as [UInt8])
    func lyingLengths(opcode: UInt8) {
        #expect(refusal([0x80, 3, opcode] + le(UInt32.max) + [0x2E]) != nil)
        #expect(refusal([0x80, 4, 0x8D] + le(UInt64.max) + [0x2E]) != nil)
    }

    @Test(
        "buffers outside of the pickle and unknown opcodes are refused", arguments: [0x97, 0x98, 0xFF, 0x00] as [UInt8])
    func unsupportedOpcodes(opcode: UInt8) {
        #expect(refusal([0x80, 5, opcode, 0x2E]) == .unsupportedOpcode(opcode, offset: 2))
    }

    @Test("every way to cut a pickle short is refused")
    func truncatedPickles() {
        let pickle = P.stateDict()
        for count in 2..<pickle.count {
            #expect(refusal(torchArchive(pickle: Array(pickle.prefix(count))).build()) != nil)
        }
    }
}
