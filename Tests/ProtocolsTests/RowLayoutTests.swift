// SPDX-License-Identifier: MIT

import JSON
import Protocols
import Testing

/// A model of 1 x 2 pixels in three colours: no shape of one order is one of the other.
private let colour = ServedModel(
    name: "colour", version: "1", architecture: "a", task: .rotation, inputShape: [3, 1, 2], labels: ["0", "90"])
/// A model of 2 x 2 pixels in two channels: 2 x 2 x 2 could be either.
private let cube = ServedModel(
    name: "cube", version: "1", architecture: "a", task: .classification, inputShape: [2, 2, 2], labels: ["a", "b"])

@Suite struct RowLayoutTests {
    @Test(arguments: [
        ([3, 1, 2], AxisOrder.channelsFirst), ([1, 2, 3], .channelsLast), ([1, 2], nil), ([2, 3], nil), ([3, 2], nil),
        ([6, 1], nil), ([], nil), ([2, 1, 3], nil), ([1, 3, 1, 2], nil), ([-3, -1, 2], nil),
    ])
    func aShapeThatCanMeanOneThingIsTaken(shape: [Int], expected: AxisOrder?) {
        for preferred in [AxisOrder.channelsFirst, .channelsLast] {
            #expect(RowLayout(colour).order(of: shape, preferred: preferred) == expected)
        }
    }

    @Test func aShapeThatCanMeanTwoThingsMeansWhatTheProtocolSays() {
        for preferred in [AxisOrder.channelsFirst, .channelsLast] {
            #expect(RowLayout(cube).order(of: [2, 2, 2], preferred: preferred) == preferred)
            #expect(RowLayout(cube).order(of: [8], preferred: preferred) == preferred)
            #expect(RowLayout(grey).order(of: [2, 2], preferred: preferred) == preferred)
        }
    }

    /// A network of TensorFlow's takes numbers in TensorFlow's order, whichever order they come in.
    @Test func aNetworkWhoseChannelsAreLastGetsThemLast() throws {
        let last = ServedModel(
            name: "last", version: "1", architecture: "a", task: .classification, inputName: "input_1",
            inputShape: [1, 2, 3], inputOrder: .channelsLast, labels: ["a", "b"])
        #expect(last.input.shape == [-1, 1, 2, 3] && last.pixels.shape == [-1, 1, 2, 3])
        #expect(RowLayout(last) == RowLayout(colour))
        func rows(_ name: String, _ shape: String, _ type: String = "FP32") throws -> ModelInput {
            let json =
                #"{"inputs":[{"name":"\#(name)","datatype":"\#(type)","shape":\#(shape),"data":[1,2,3,4,5,6]}]}"#
            return try OpenInferenceRequest(Array(json.utf8), headerLength: nil, model: last, maxRows: 2).input
        }
        let (whole, turned) = ([1, 2, 3, 4, 5, 6] as [Float], [1, 3, 5, 2, 4, 6] as [Float])
        #expect(try rows("input_1", "[1,1,2,3]") == .rows(whole, count: 1))
        #expect(try rows("input", "[1,6]") == .rows(whole, count: 1))
        #expect(try rows("input_1", "[1,3,1,2]") == .rows(turned, count: 1))
        #expect(try rows("pixels", "[1,1,2,3]", "UINT8") == .pixels(whole.map { UInt8($0) }, count: 1))
        for body in [#"{"instances":[[[[1,2,3],[4,5,6]]]]}"#, #"{"instances":[[1,2,3,4,5,6]]}"#] {
            let request = try TensorFlowRequest(Array(body.utf8), model: last, maxRows: 2)
            #expect(request.input == .rows(whole, count: 1))
        }
    }

    @Test func imagesAreReorderedWhole() {
        let layout = RowLayout(colour)
        let last: [Float] = [1, 2, 3, 4, 5, 6, 10, 20, 30, 40, 50, 60]
        let first: [Float] = [1, 4, 2, 5, 3, 6, 10, 40, 20, 50, 30, 60]
        #expect(layout.reordered(last, from: .channelsLast, to: .channelsFirst) == first)
        #expect(layout.reordered(first, from: .channelsFirst, to: .channelsLast) == last)
        #expect(layout.reordered(first, from: .channelsFirst, to: .channelsFirst) == first)
        #expect(layout.reordered([Float](), from: .channelsLast, to: .channelsFirst) == [])
    }

    // MARK: In the protocols

    private func predict(_ json: String, _ model: ServedModel) throws -> ModelInput {
        try TensorFlowRequest(Array(json.utf8), model: model, maxRows: 2).input
    }

    private let first = ModelInput.rows([1, 4, 2, 5, 3, 6], count: 1)

    @Test(arguments: [
        #"{"instances":[[[[1,2,3],[4,5,6]]]]}"#, #"{"inputs":[[[[1,2,3],[4,5,6]]]]}"#,
        #"{"instances":[{"input":[[[1,2,3],[4,5,6]]]}]}"#, #"{"inputs":{"input":[[[[1,2,3],[4,5,6]]]]}}"#,
        #"{"instances":[[1,2,3,4,5,6]]}"#, #"{"instances":[[[[1,4]],[[2,5]],[[3,6]]]]}"#,
    ])
    func tensorFlowsImagesComeChannelsLast(json: String) throws {
        #expect(try predict(json, colour) == first)
    }

    @Test(arguments: [
        "[[[[1],[2]],[[3],[4]]]]", "[[[1,2],[3,4]]]", "[[[[1,2],[3,4]]]]", "[[1,2,3,4]]",
    ])
    func greyImagesComeWithOrWithoutTheirChannel(rows: String) throws {
        #expect(try predict(#"{"instances":\#(rows)}"#, grey) == .rows([1, 2, 3, 4], count: 1))
    }

    @Test(arguments: ["[[1,2,3]]", "[1,2,3,4,5,6]", "[[[1,2,3],[4,5,6]]]", "[[[[1],[2]],[[3],[4]],[[5],[6]]]]", "[]"])
    func otherShapesAreRefusedWithBothThatAreTaken(rows: String) {
        #expect(
            throws: RequestRefusal.self, performing: { _ = try predict(#"{"instances":\#(rows)}"#, colour) })
        do {
            _ = try predict(#"{"instances":\#(rows)}"#, colour)
        } catch {
            let text = (error as? RequestRefusal)?.message ?? ""
            #expect(text.contains("[-1, 1, 2, 3] or [-1, 3, 1, 2]"), "\(error)")
        }
    }

    private func infer(_ name: String, _ shape: String, _ model: ServedModel, _ data: String) throws -> ModelInput {
        try OpenInferenceRequest(
            Array(
                #"{"inputs":[{"name":"\#(name)","datatype":"FP32","shape":\#(shape),"data":\#(data)}]}"#.utf8),
            headerLength: nil, model: model, maxRows: 3
        ).input
    }

    @Test func openInferenceTakesBothOrdersAndMeansWhatItsMetadataSay() throws {
        #expect(try infer("input", "[1,1,2,3]", colour, "[1,2,3,4,5,6]") == first)
        #expect(try infer("input", "[1,3,1,2]", colour, "[1,4,2,5,3,6]") == first)
        #expect(try infer("input", "[1,6]", colour, "[1,4,2,5,3,6]") == first)
        #expect(try infer("input", "[1,2,2,1]", grey, "[1,2,3,4]") == .rows([1, 2, 3, 4], count: 1))
        #expect(try infer("input", "[1,2,2]", grey, "[1,2,3,4]") == .rows([1, 2, 3, 4], count: 1))
        let pixels = ModelInput.pixels([1, 2, 3, 4, 5, 6], count: 1)
        #expect(try infer("pixels", "[1,1,2,3]", colour, "[1,2,3,4,5,6]") == pixels)
        #expect(try infer("pixels", "[1,3,1,2]", colour, "[1,4,2,5,3,6]") == pixels)
        let eight = "[1,2,3,4,5,6,7,8]"
        #expect(try infer("input", "[1,2,2,2]", cube, eight) == .rows([1, 2, 3, 4, 5, 6, 7, 8], count: 1))
        #expect(try infer("pixels", "[1,2,2,2]", cube, eight) == .pixels([1, 2, 3, 4, 5, 6, 7, 8], count: 1))
        #expect(try predict(#"{"instances":[\#(eight)]}"#, cube) == .rows([1, 3, 5, 7, 2, 4, 6, 8], count: 1))
    }

    private func images(_ numbers: String, _ model: ServedModel) throws -> ModelInput {
        try ImageInput(Array(#"{"images":\#(numbers)}"#.utf8), contentType: nil, maxImages: 3)
            .modelInput(model, maxImages: 3)
    }

    @Test func pixelsOfAnImageComeEitherWay() throws {
        for numbers in ["[[[1],[2]],[[3],[4]]]", "[[[[1],[2]],[[3],[4]]]]", "[[[[1,2],[3,4]]]]", "[[1,2],[3,4]]"] {
            #expect(try images(numbers, grey) == .pixels([1, 2, 3, 4], count: 1))
        }
        #expect(try images("[[[1,2,3],[4,5,6]]]", colour) == .pixels([1, 2, 3, 4, 5, 6], count: 1))
        #expect(try images("[[[1,4]],[[2,5]],[[3,6]]]", colour) == .pixels([1, 2, 3, 4, 5, 6], count: 1))
        #expect(throws: RequestRefusal.self) { try images("[]", grey) }
        #expect(throws: RequestRefusal.self) { try images("[[]]", grey) }
        #expect(throws: RequestRefusal.self) { try images("[[[1,2],[3,4],[5,6],[7,8]]]", grey) }
    }
}
