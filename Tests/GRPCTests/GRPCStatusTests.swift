// SPDX-License-Identifier: MIT

import GRPC
import HTTP
import Testing

@Suite struct GRPCStatusTests {
    /// What is not printable ASCII must not reach the wire; everything else must be readable there.
    @Test(arguments: [
        ("plain words, with 'marks'", "plain words, with 'marks'"), ("100 %", "100 %25"), ("é\n", "%C3%A9%0A"),
        ("\u{7F}~", "%7F~"), ("", ""),
    ])
    func messagesArePercentEncoded(message: String, encoded: String) {
        #expect(GRPCStatus(.notFound, message).encodedMessage == encoded)
    }

    @Test(arguments: [
        (200, 0), (400, 3), (401, 16), (403, 7), (404, 5), (405, 12), (408, 4), (409, 10), (413, 8), (414, 8), (415, 3),
        (422, 3), (429, 8), (431, 8), (500, 13), (501, 12), (503, 14), (504, 4), (505, 12),
    ])
    func eachStatusOfHTTPHasOneOfGRPC(status: Int, code: Int) {
        #expect(GRPCStatus.Code(HTTPStatus(status)).rawValue == code)
    }

    @Test func codesHaveThePublishedNumbers() {
        let names = [
            "OK", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND", "ALREADY_EXISTS",
            "PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION", "ABORTED", "OUT_OF_RANGE",
            "UNIMPLEMENTED",
            "INTERNAL", "UNAVAILABLE", "DATA_LOSS", "UNAUTHENTICATED",
        ]
        #expect(GRPCStatus.Code.allCases.map(\.name) == names)
        #expect(GRPCStatus.Code.allCases.map(\.rawValue) == Array(0...16))
    }
}
