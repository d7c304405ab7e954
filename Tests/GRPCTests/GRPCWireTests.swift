// SPDX-License-Identifier: MIT

import GRPC
import HTTP
import TestSupport
import Testing

@Suite struct GRPCWireTests {
    @Test func overHTTP2TheStatusIsATrailer() {
        let response = GRPCWire.http2.response([[1], []], GRPCStatus(.notFound, "a %"))
        #expect(response.body == [0, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0])
        #expect(response.trailers.map { "\($0.name): \($0.value)" } == ["grpc-status: 5", "grpc-message: a %25"])
        #expect(response.headers.map(\.value) == ["application/grpc", "identity, gzip, deflate"])
        #expect(response.grpcStatus == 5 && response.status == .ok)
        #expect(GRPCWire.http2.response([]).trailers.map(\.value) == ["0"])
    }

    @Test func overTheWebItIsTheLastFrame() throws {
        let response = GRPCWire.web.response([[1]], GRPCStatus(.notFound, "a %"))
        let answer = try #require(GRPCWeb.Answer(response.body))
        #expect(answer.messages == [[1]] && answer.status == 5 && answer.text == "a %25")
        #expect(response.trailers.isEmpty && response.grpcStatus == 5)
        #expect(response.headers.first?.value == "application/grpc-web+proto")
    }

    /// A part of a stream ends nothing, and is not taken for an answer of HTTP.
    @Test func aPartHasNoTrailers() {
        let part = GRPCWire.http2.part([[7]])
        #expect(part.body == [0, 0, 0, 0, 1, 7] && part.trailers.isEmpty && part.grpcStatus == 0)
        #expect(GRPCWire.http2.rendered(part) == part)
    }

    /// What the transport answers, it answers for HTTP.
    @Test(arguments: [GRPCWire.http2, .web])
    func errorsOfHTTPAreRendered(wire: GRPCWire) {
        var error = Response(.serviceUnavailable, contentType: "application/json", body: [1])
        error.problem = "full"
        error.add("Retry-After", "3")
        error.closesConnection = true
        let rendered = wire.rendered(error)
        #expect(rendered.status == .ok && rendered.grpcStatus == 14 && rendered.closesConnection)
        #expect(rendered.headers.contains { $0.name == "Retry-After" && $0.value == "3" })
        #expect(rendered.headers.filter { $0.name == "Content-Type" }.count == 1)
        #expect(wire == .web || rendered.body.isEmpty)
        #expect(wire.rendered(rendered) == rendered)

        let done = wire.rendered(Response(.ok))
        #expect(done.grpcStatus == 0 && done.body.starts(with: [0, 0, 0, 0, 0]))
    }
}
