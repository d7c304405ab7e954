// SPDX-License-Identifier: MIT

import Protobuf
import Protocols
import Testing
import Text

/// A network of two inputs, of 1 x 2 and of 3 numbers, that gives a sum.
private let pair = ServedModel(
    name: "pair", version: "1", architecture: "onnx", inputs: [("left", [1, 2]), ("right", [3])],
    outputs: [("sum", [2])])
/// The rows 1, 2 | 10, 20, 30 and 3, 4 | 40, 50, 60.
private let rows = ModelInput.rows([1, 2, 10, 20, 30, 3, 4, 40, 50, 60], count: 2)

@Suite("models with several inputs") struct SeveralInputsTests {
    private static let left = #"{"name":"left","datatype":"FP32","shape":[2,1,2],"data":[1,2,3,4]}"#
    private static let right = #"{"name":"right","datatype":"FP32","shape":[2,3],"data":[10,20,30,40,50,60]}"#

    private func read(_ inputs: String..., rest: String = "") throws -> OpenInferenceRequest {
        let json = #"{"inputs":[\#(inputs.joined(separator: ","))]\#(rest)}"#
        return try OpenInferenceRequest(Array(json.utf8), headerLength: nil, model: pair, maxRows: 3)
    }

    private func refusal(_ body: () throws -> Void) -> String? {
        do {
            try body()
            return nil
        } catch {
            return (error as? RequestRefusal)?.message ?? "\(error)"
        }
    }

    @Test func theModelTellsAllItTakes() {
        #expect(pair.inputs.map(\.name) == ["left", "right"] && !pair.takesPictures)
        #expect(pair.inputs.map(\.shape) == [[-1, 1, 2], [-1, 3]])
        #expect(pair.allOutputs.map(\.name) == ["sum"] && pair.task == .tensors)
        #expect(refusal { try pair.checkHasClasses() }?.contains("POST /v2/models/pair/infer") == true)
        // What has no picture's shape must not be asked for one.
        #expect(
            refusal { _ = try ImageInput.numbers(.init(shape: [2], values: [1, 2])).modelInput(pair, maxImages: 1) }
                == "'pair' takes no pictures but 2 inputs, 'left', 'right', by POST /v2/models/pair/infer")
        let predict = Array(#"{"instances":[[1,2]]}"#.utf8)
        #expect(
            refusal { _ = try TensorFlowRequest(predict, model: pair, maxRows: 1) }?.contains("takes no pictures")
                == true)
    }

    @Test func inputsComeInAnyOrder() throws {
        for request in [try read(Self.left, Self.right), try read(Self.right, Self.left)] {
            #expect(request.input == rows && request.outputs.map(\.tensor.name) == ["sum"] && request.rowCount == 2)
        }
        let one = try read(
            #"{"name":"right","datatype":"INT32","shape":[1,3],"data":[[7,8,9]]}"#,
            #"{"name":"left","datatype":"FP64","shape":[1,1,2],"data":[[[5,6]]]}"#)
        #expect(one.input == .rows([5, 6, 7, 8, 9], count: 1))
    }

    @Test(arguments: [
        ([left], "the input 'right' is missing; 'pair' takes 2 inputs, 'left', 'right'"),
        ([right], "the input 'left' is missing; 'pair' takes 2 inputs, 'left', 'right'"),
        ([left, left], "the input 'left' is given twice"),
        ([left, right, left], "'pair' takes 2 inputs, 'left', 'right'; the request has more"),
        ([], "'inputs' is empty"),
        (
            [left, right.replacing("right", with: "input")],
            "unknown input 'input'; 'pair' takes 2 inputs, 'left', 'right'"
        ),
        (
            [left, right.replacing("\"name\":\"right\",", with: "")],
            "unknown input ''; 'pair' takes 2 inputs, 'left', 'right'"
        ),
        (
            [left, right.replacing("[2,3]", with: "[3,2]")],
            "input 'right': expected the shape [-1, 3], -1 for any number, got [3, 2]"
        ),
        (
            [left.replacing("[2,1,2]", with: "[2,2]"), right],
            "input 'left': expected the shape [-1, 1, 2], -1 for any number, got [2, 2]"
        ),
        (
            [left, right.replacing("[2,3]", with: "[-2,3]")],
            "input 'right': expected the shape [-1, 3], -1 for any number, got [-2, 3]"
        ),
        (
            [left, right.replacing("[2,3]", with: "[]")],
            "input 'right': expected the shape [-1, 3], -1 for any number, got []"
        ),
        (
            [left, right.replacing("[2,3]", with: "[1,3]").replacing(",40,50,60", with: "")],
            "input 'right': it has 1 rows; expected 2, as many as 'left' has"
        ),
        ([left, right.replacing(",60", with: "")], "input 'right': expected 6 numbers for the shape, got 5"),
        (
            [left, right.replacing("[2,3]", with: "[9223372036854775807,3]")],
            "input 'right': the request has more than 3 rows or images"
        ),
        ([left.replacing("FP32", with: "BOOL"), right], "input 'left': expected FP32, got BOOL"),
        ([left.replacing("FP32", with: "BYTES"), right], "input 'left': expected FP32, got BYTES"),
        ([left.replacing("\"datatype\":\"FP32\",", with: ""), right], "input 'left': expected FP32, got no datatype"),
        ([left.replacing("[1,2,3,4]", with: "[\"a\",\"b\"]"), right], "input 'left': expected numbers, got strings"),
        (
            [left.replacing("FP32", with: "UINT8").replacing("4]", with: "-4]"), right],
            "input 'left': -4.0 is no UINT8"
        ),
        ([left.replacing(",\"data\":[1,2,3,4]", with: ""), right], "input 'left': the input has no data"),
    ])
    func liesAreRefused(inputs: [String], message: String) {
        let json = #"{"inputs":[\#(inputs.joined(separator: ","))]}"#
        #expect(
            refusal {
                _ = try OpenInferenceRequest(Array(json.utf8), headerLength: nil, model: pair, maxRows: 3)
            } == message)
    }

    @Test func outputsAreChosen() throws {
        let request = try read(
            Self.left, Self.right, rest: #","outputs":[{"name":"sum","parameters":{"binary_data":true}}]"#)
        #expect(request.outputs.map(\.isBinary) == [true])
        let other = refusal { _ = try read(Self.left, Self.right, rest: #","outputs":[{"name":"logits"}]"#) }
        #expect(other == "unknown output 'logits'; 'pair' is answered with 'sum'")
        let classes = #","outputs":[{"name":"sum","parameters":{"classification":1}}]"#
        #expect(refusal { _ = try read(Self.left, Self.right, rest: classes) } != nil)
        let four = try read(Self.left, Self.right, rest: #","parameters":{"views":4}"#)
        #expect(refusal { try four.views?.check(four.input, pair) }?.contains("four views") == true)
    }

    // MARK: Binary data

    private static let leftBytes = bytes([1, 2, 3, 4] as [Float])
    private static let rightBytes = bytes([10, 20, 30, 40, 50, 60] as [Float])

    private func read(_ inputs: [(name: String, shape: String, size: Int?)], tail: [UInt8]) throws -> ModelInput {
        let texts = inputs.map { name, shape, size in
            let place = size.map { #""parameters":{"binary_data_size":\#($0)}"# } ?? #""data":[1,2,3,4]"#
            return #"{"name":"\#(name)","datatype":"FP32","shape":\#(shape),\#(place)}"#
        }
        let json = Array(#"{"inputs":[\#(texts.joined(separator: ","))]}"#.utf8)
        return try OpenInferenceRequest(
            json + tail, headerLength: ByteText(String(json.count)), model: pair, maxRows: 3
        ).input
    }

    @Test func binaryDataFollowInTheOrderOfTheInputs() throws {
        let (left, right) = (("left", "[2,1,2]", 16), ("right", "[2,3]", 24))
        #expect(try read([left, right], tail: Self.leftBytes + Self.rightBytes) == rows)
        #expect(try read([right, left], tail: Self.rightBytes + Self.leftBytes) == rows)
        // One in JSON, the other behind it.
        #expect(try read([("left", "[2,1,2]", nil), right], tail: Self.rightBytes) == rows)
        #expect(try read([right, ("left", "[2,1,2]", nil)], tail: Self.rightBytes) == rows)
    }

    @Test func binaryDataOfAnotherSizeAreRefused() {
        let all = Self.leftBytes + Self.rightBytes
        func message(_ left: Int, _ right: Int, _ tail: [UInt8]) -> String? {
            refusal { _ = try read([("left", "[2,1,2]", left), ("right", "[2,3]", right)], tail: tail) }
        }
        #expect(
            message(16, 24, all.dropLast())
                == "input 'right': binary_data_size is 24, but 23 bytes are left behind the JSON")
        #expect(message(-1, 24, all)?.hasPrefix("input 'left': binary_data_size is -1") == true)
        #expect(message(.max, 24, all)?.hasPrefix("input 'left': binary_data_size") == true)
        #expect(message(16, 24, all + [0])?.contains("1 bytes that belong to no input") == true)
        #expect(message(12, 28, all) == "input 'left': expected 16 bytes for the shape, got 12")
        #expect(message(15, 25, all) == "input 'left': expected 16 bytes for the shape, got 15")
        let infinite = Self.leftBytes + bytes([10, 20, .infinity, 40, 50, 60] as [Float])
        #expect(message(16, 24, infinite)?.hasPrefix("input 'right': number 3 of the input is inf") == true)
        let raw = refusal { _ = try OpenInferenceRequest(all, headerLength: "0", model: pair, maxRows: 3) }
        #expect(raw == "'pair' takes 2 inputs, 'left', 'right'; a body without JSON is for one input")
    }

    /// A network of one input that is no picture is asked in the same way.
    @Test func oneTensorIsTakenAsSeveralAre() throws {
        let one = ServedModel(
            name: "one", version: "1", architecture: "onnx", inputs: [("left", [1, 2])], outputs: [("sum", [2])])
        func read(_ json: String, tail: [UInt8] = []) throws -> ModelInput {
            let body = Array(#"{"inputs":[\#(json)]}"#.utf8)
            return try OpenInferenceRequest(
                body + tail, headerLength: ByteText(String(body.count)), model: one, maxRows: 3
            ).input
        }
        #expect(try read(Self.left) == .rows([1, 2, 3, 4], count: 2))
        #expect(
            refusal { _ = try read(Self.left, tail: [0]) } == "input 'left': unexpected additional input data")
        #expect(
            refusal { _ = try read(Self.left + "," + Self.right) }
                == "'one' takes the input 'left'; the request has more")
        let raw = try OpenInferenceRequest(
            bytes([5, 6] as [Float]), headerLength: "0", model: one, maxRows: 3)
        #expect(raw.input == .rows([5, 6], count: 1))
    }

    // MARK: Messages

    private typealias Input = (name: String, shape: [Int], numbers: [Float]?)
    private static let inputs: [Input] = [
        ("left", [2, 1, 2], [1, 2, 3, 4]), ("right", [2, 3], [10, 20, 30, 40, 50, 60]),
    ]

    private func read(_ inputs: [Input], raw: [[UInt8]] = []) throws -> OpenInferenceRequest {
        var writer = ProtobufWriter()
        for input in inputs {
            writer.write(5) { tensor in
                tensor.write(1, string: input.name)
                tensor.write(2, string: "FP32")
                tensor.write(3, packed: input.shape)
                if let numbers = input.numbers { tensor.write(5) { $0.write(6, packed: numbers) } }
            }
        }
        for element in raw { writer.write(7, bytes: element) }
        return try ModelInferMessage(([9] + writer.bytes).dropFirst(), maxRows: 3).request(to: pair, maxRows: 3)
    }

    @Test func messagesBringThemRawOrTyped() throws {
        let typed = Self.inputs
        let named = typed.map { Input($0.name, $0.shape, nil) }
        for request in [try read(typed), try read(typed.reversed())] {
            #expect(request.input == rows && request.outputs.map(\.isBinary) == [false])
        }
        for request in [
            try read(named, raw: [Self.leftBytes, Self.rightBytes]),
            try read(named.reversed(), raw: [Self.rightBytes, Self.leftBytes]),
        ] {
            #expect(request.input == rows && request.outputs.map(\.isBinary) == [true])
        }
    }

    @Test func messagesThatLieAreRefused() {
        let typed = Self.inputs
        let named = typed.map { Input($0.name, $0.shape, nil) }
        let raw = [Self.leftBytes, Self.rightBytes]
        func message(_ inputs: [Input], _ raw: [[UInt8]] = []) -> String? {
            refusal { _ = try read(inputs, raw: raw) }
        }
        #expect(message([]) == "'pair' takes 2 inputs, 'left', 'right'; the request has none")
        #expect(message([typed[0]])?.hasPrefix("the input 'right' is missing") == true)
        #expect(message([typed[0], typed[0]]) == "the input 'left' is given twice")
        #expect(message(typed + typed)?.hasSuffix("the request has more") == true)
        #expect(
            message(named, [raw[0]]) == "expected an element of raw_input_contents for each input, 2, got 1")
        #expect(message(named, raw + raw)?.hasSuffix("2, got 4") == true)
        #expect(message(named) == "input 'left': the input has no data")
        #expect(message(named, raw.reversed()) == "input 'left': expected 16 bytes for the shape, got 24")
        #expect(message([named[0], typed[1]], raw) == "input 'right': the input has both data and binary data")
        #expect(message(named, Array(repeating: [], count: 1025)) == "the request has more than 1024 inputs")
    }

    // MARK: Batches

    @Test func requestsJoinRowByRow() throws {
        let request = try read(Self.left, Self.right).input
        guard case .rows(let numbers, let count) = request else {
            Issue.record("no rows")
            return
        }
        let runs = [
            NetworkRun(model: 0, count: count, rows: .numbers(numbers)),
            NetworkRun(model: 0, count: 1, rows: .numbers([5, 6, 7, 8, 9])),
        ]
        #expect(runs[0].canJoin(runs[1]))
        let joined = NetworkRun.joined(runs)
        guard case .numbers(let all) = joined.rows else {
            Issue.record("no numbers")
            return
        }
        #expect(all == numbers + [5, 6, 7, 8, 9] && joined.count == 3)
        let parts = try #require(NetworkRun.parted(.numbers([1, 2, 3, 4, 5, 6]), among: runs))
        #expect(parts.map(\.numbers) == [[1, 2, 3, 4], [5, 6]])
    }
}
