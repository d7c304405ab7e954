// SPDX-License-Identifier: MIT

import JSON
import Testing
import Text

@Suite struct JSONReaderTests {
    private func numbers(_ text: String, maxCount: Int = 100, nonFinite: Bool = false) throws -> NumberArray {
        var reader = JSONReader(Array(text.utf8)[...], allowsNonFinite: nonFinite)
        let array = try reader.readNumbers(maxCount: maxCount)
        try reader.finish()
        return array
    }

    private func problem(_ body: () throws -> Void) -> JSONError.Problem? {
        do {
            try body()
            return nil
        } catch {
            return (error as? JSONError)?.problem
        }
    }

    @Test(arguments: [
        ("1", [Int](), [Float(1)]), ("[1, 2.5 ,-3e2]", [3], [1, 2.5, -300]),
        ("[[1,2],[3,4],[5,6]]", [3, 2], [1, 2, 3, 4, 5, 6]),
        ("[[[7]]]", [1, 1, 1], [7]), ("[]", [0], []), ("[[],[]]", [2, 0], []), (" [ 0.1 , -0 ]\n", [2], [0.1, 0]),
        ("[123456789012345678, 1e-7, 0.00000000000000001]", [3], [1.23456789e17, 1e-7, 1e-17]), ("[1E+2]", [1], [100]),
    ])
    func readsNumbersAndTheirShape(text: String, shape: [Int], values: [Float]) throws {
        #expect(try numbers(text) == NumberArray(shape: shape, values: values))
    }

    /// Short whole numbers before a comma are read apart from the others, which may stand anywhere among them.
    @Test(arguments: [
        ("[1,0,255,9999999,10000000,3]", [Float](arrayLiteral: 1, 0, 255, 9_999_999, 10_000_000, 3)),
        ("[1, 22 ,333,\n4,-5,6,7.5,8,9e1,10,11]", [1, 22, 333, 4, -5, 6, 7.5, 8, 90, 10, 11]),
        ("[12345679395506094080,1,2,123456792,0,0]", [12_345_679_395_506_094_080, 1, 2, 123_456_792, 0, 0]),
    ])
    func readsPixelsAmongOtherNumbers(text: String, values: [Float]) throws {
        #expect(try numbers(text) == NumberArray(shape: [values.count], values: values))
        #expect(try numbers("[\(text),\(text)]") == NumberArray(shape: [2, values.count], values: values + values))
        #expect(try numbers(text, maxCount: values.count).values == values)
        #expect(problem { _ = try numbers(text, maxCount: values.count - 1) } == .tooMany(limit: values.count - 1))
    }

    @Test(arguments: [
        "[1,2,]", "[1,2,,3]", "[1,2,03,4]", "[1,00,2]", "[1,2", "[1,2,", "[1,2,3", "[1,2x,3]", "[[1,2,3],[4,5,x]]",
    ])
    func refusesWhatIsNoPixel(text: String) {
        #expect(throws: JSONError.self) { try numbers(text) }
    }

    @Test(arguments: ["[[1,2,3],[4,5]]", "[[1,2],[4,5,6]]", "[1,2,[3]]", "[[1,2,3],[4,5,6],7]"])
    func refusesRaggedPixels(text: String) {
        #expect(problem { _ = try numbers(text) } == .ragged)
    }

    @Test(arguments: ["[[1,2],[3]]", "[[1],2]", "[1,[2]]", "[[[1]],[2]]", "[[],[1]]", "[[1],[]]", "[[[1]],[]]"])
    func refusesRaggedArrays(text: String) {
        #expect(problem { _ = try numbers(text) } == .ragged)
    }

    @Test(arguments: [
        "01", "1.", ".5", "+1", "1e", "1e+", "-", "--1", "1_0", "0x1", "1e999", "NaN", "Infinity", "1 2", "true",
        "[1,]", "[,1]", "[1;2]", "",
    ])
    func refusesWhatIsNoNumber(text: String) {
        #expect(throws: JSONError.self) { try numbers(text) }
    }

    /// What a Float can't hold is an error, not an infinity; what is too small for it is zero.
    @Test(arguments: [
        "1e39", "-1e39", "[1, 3.5e38]", "1e308", "1e999", "-1e999", "[[340282356779733661637539395458142568448]]",
    ])
    func refusesNumbersBeyondAFloat(text: String) {
        for nonFinite in [false, true] {
            #expect(problem { _ = try numbers(text, nonFinite: nonFinite) } == .outOfRange)
        }
    }

    @Test func theLargestAndTheSmallestNumbersAreTaken() throws {
        #expect(
            try numbers("[3.4028235e38, -3.4028235e38, 1e-60]").values
                == [.greatestFiniteMagnitude, -.greatestFiniteMagnitude, 0])
    }

    @Test func namesAreEqualIfTheirBytesAre() throws {
        var reader = JSONReader(Array("{\"K\": 1, \"\u{212A}\": 2, \"\u{E9}\": 3, \"e\u{301}\": 4}".utf8)[...])
        var names: [ByteText] = []
        try reader.readObject { reader, name in
            names.append(name)
            try reader.skipValue()
        }
        #expect(names == ["K", "\u{212A}", "\u{E9}", "e\u{301}"])
        let value = try JSONValue(parsing: Array("{\"\u{212A}\": 1, \"K\": 2}".utf8))
        #expect(value["K"] == 2)
    }

    /// Control characters would be escaped, six bytes for one, and one letter can bear a megabyte of accents.
    @Test(arguments: ["\u{7F}", "a\u{301}", "\u{1F600}"])
    func theErrorAboutANameIsShort(letter: String) {
        let name = "\"x" + String(repeating: letter, count: 1 << 20) + "\""
        var reader = JSONReader(Array("{\(name): 1, \(name): 2}".utf8)[...])
        #expect(throws: JSONError.self) { try reader.skipValue() }
        do {
            var reader = JSONReader(Array("{\(name): 1, \(name): 2}".utf8)[...])
            try reader.skipValue()
        } catch {
            #expect("\(error)".utf8.count < 300)
            #expect("\(error)".contains("appears twice"))
        }
    }

    @Test func takesNonFiniteNumbersOnlyWhereAsked() throws {
        let values = try numbers("[NaN, Infinity, -Infinity]", nonFinite: true).values
        #expect(values[0].isNaN)
        #expect(values[1...] == [.infinity, -.infinity])
        #expect(throws: JSONError.self) { try numbers("[-NaN]", nonFinite: true) }
    }

    @Test func limitsDepthAndCount() {
        let deep = String(repeating: "[", count: 100_000)
        #expect(problem { _ = try numbers(deep) } == .tooDeep(limit: 8))
        #expect(problem { _ = try numbers("[1,2,3]", maxCount: 2) } == .tooMany(limit: 2))
        for text in [deep, String(repeating: "{\"a\":", count: 100_000)] {
            var reader = JSONReader(Array(text.utf8)[...])
            #expect(problem { try reader.skipValue() } == .tooDeep(limit: 32))
        }
    }

    @Test func readsObjects() throws {
        var reader = JSONReader(
            Array(#"{"a": "x\n\u00e9\ud83d\ude00\/", "b": {"c": [true, null, {}]}, "d": 7}"#.utf8)[...])
        var seen: [String] = []
        try reader.readObject { reader, name in
            switch name {
            case "a": seen.append(try reader.readString().string)
            case "d": seen.append(String(try reader.readInt()))
            default: try reader.skipValue()
            }
        }
        try reader.finish()
        #expect(seen == ["x\né😀/", "7"])
    }

    @Test(arguments: [
        #"{"a":1,"a":2}"#, #"{"a"}"#, #"{a:1}"#, #"{"a":1,}"#, "{", #"{"a":"#, #"{"a":1]"#, #"{"a":1} x"#, #"["\u12"]"#,
        #"["\ud800x"]"#, #"["\ud800\u0041"]"#, #"["\x"]"#, "[\"\u{1}\"]", "[tru]", "nul",
    ])
    func refusesMalformedText(text: String) {
        var reader = JSONReader(Array(text.utf8)[...])
        #expect(throws: JSONError.self) {
            try reader.skipValue()
            try reader.finish()
        }
    }

    @Test func refusesStringsThatAreNotUTF8() {
        for bytes: [UInt8] in [[0x22, 0xFF, 0x22], [0x22, 0xC3, 0x22], [0x22, 0x5C, 0x6E, 0xFF, 0x22]] {
            var reader = JSONReader(bytes[...])
            #expect(problem { _ = try reader.readString() } == .malformedString)
        }
    }

    @Test func tellsWhereTheErrorIs() {
        #expect(throws: JSONError(problem: .expected("a number"), offset: 4)) { try numbers("[1, x]") }
        #expect(throws: JSONError(problem: .truncated, offset: 3)) { try numbers("[1,") }
    }

    @Test func writesWhatItReads() throws {
        let value: JSONValue = [
            "a\"\u{1}é": [1, true, .null, .float(0.1), .number(-2.5)], "b": .floats([1, 2, 3, 4], shape: [2, 2]),
        ]
        #expect(
            value.text
                == #"{"a\"\u0001é":[1,true,null,0.1,-2.5],"b":[[1.0,2.0],[3.0,4.0]]}"#)
        #expect(
            String(
                decoding: JSONValue.floats([.nan, .infinity, -.infinity], shape: [3]).bytes(allowsNonFinite: true),
                as: UTF8.self)
                == "[NaN,Infinity,-Infinity]")
    }

    @Test(arguments: [
        ("", ""), ("TQ==", "M"), ("TWE=", "Ma"), ("TWFu", "Man"), ("TWFu\r\nTQ", "ManM"),
        ("-_-_", "\u{fb}\u{ff}\u{bf}"),
    ])
    func decodesBase64(text: String, expected: String) {
        #expect(base64Decoded(text.utf8) == expected.unicodeScalars.map { UInt8($0.value) })
    }

    @Test func encodesBase64() {
        for (text, expected) in [("", ""), ("M", "TQ=="), ("Ma", "TWE="), ("Man", "TWFu"), ("Many", "TWFueQ==")] {
            #expect(String(decoding: base64Encoded(Array(text.utf8)), as: UTF8.self) == expected)
        }
        let all = (0..<256).map { UInt8($0) }
        for count in 250...256 {
            #expect(base64Decoded(base64Encoded(Array(all.prefix(count)))) == Array(all.prefix(count)))
        }
    }

    @Test(arguments: ["T", "TQ=", "TQ===", "=", "====", "TW=u", "T W=", "TWFu!", "TWFuT"])
    func refusesBrokenBase64(text: String) {
        #expect(base64Decoded(text.utf8) == nil)
    }

    @Test func aNameThatIsThereAlreadyIsFoundAmongAnyNumber() throws {
        for count in 1...40 {
            let members = (0..<count).map { "\"name\($0)\": 1" }
            for repeated in 0..<count {
                let text = "{" + (members + ["\"name\(repeated)\": 2"]).joined(separator: ", ") + "}"
                var reader = JSONReader(Array(text.utf8)[...])
                #expect(problem { try reader.skipValue() } == .duplicateKey("name\(repeated)"))
            }
            let text = "{" + members.joined(separator: ", ") + "}"
            var reader = JSONReader(Array(text.utf8)[...], maxMembers: count)
            try reader.skipValue()
            var narrow = JSONReader(Array(text.utf8)[...], maxMembers: count - 1)
            #expect(problem { try narrow.skipValue() } == .tooMany(limit: count - 1))
        }
    }
}
