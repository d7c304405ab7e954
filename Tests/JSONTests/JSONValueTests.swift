// SPDX-License-Identifier: MIT

import JSON
import Testing

@Suite struct JSONValueTests {
    private func parse(_ text: String) throws -> JSONValue { try JSONValue(parsing: Array(text.utf8)) }

    @Test func readsAnyValue() throws {
        #expect(
            try parse(#" {"a": [1, -2.5, "x\u00e9", true, false, null], "b": {}} "#)
                == ["a": [1, .number(-2.5), "xé", true, false, .null], "b": .object([])])
    }

    @Test func wholeNumbersStayExact() throws {
        #expect(
            try parse("[9223372036854775807, -9223372036854775808, 9007199254740993, 9223372036854775808]")
                == [
                    .integer(.max), .integer(.min), .integer(9_007_199_254_740_993),
                    .number(9_223_372_036_854_775_808),
                ])
    }

    @Test(arguments: ["", "{", "[1", "[1,]", "tru", "1 2", #"{"a":1,"a":2}"#, "NaN", "1e999", "'a'"])
    func refusesWhatIsNoJSON(text: String) {
        #expect(throws: JSONError.self) { try parse(text) }
    }

    @Test func isWrittenAsItIsRead() throws {
        let value: JSONValue = ["a\"\\\n\r\t\u{1}\u{7F}é": ["b", .number(0.1)], "c": [[1, 2], .null]]
        let text = #"{"a\"\\\n\r\t\u0001\u007fé":["b",0.1],"c":[[1,2],null]}"#
        #expect(value.text == text)
        #expect(try parse(text) == value)
        #expect(try parse(value.prettyText) == value)
    }

    @Test func numbersThatAreNotFiniteHaveNoWords() {
        let value: JSONValue = [.number(.nan), .float(.infinity), .floats([-.infinity, 1], shape: [2, 1])]
        #expect(value.text == "[null,null,[[null],[1.0]]]")
        #expect(
            String(decoding: value.bytes(allowsNonFinite: true), as: UTF8.self) == "[NaN,Infinity,[[-Infinity],[1.0]]]")
    }

    @Test func membersCanBeChanged() {
        var value: JSONValue = ["a": 1, "b": 2]
        value["b"] = 3
        value["c"] = "d"
        value["a"] = nil
        #expect(value.text == #"{"b":3,"c":"d"}"#)
    }
}
