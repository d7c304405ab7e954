// SPDX-License-Identifier: MIT

import Testing

/// The page for people, from a server that runs. What it does in a browser is tested by Tools/page/test.
@Suite struct ServerPageTests {
    private static let html = ["Accept: text/html"]

    @Test(arguments: ["process", "thread"])
    func thePageIsServed(mode: String) throws {
        let server = try ServerProcess(mode: mode, ["--model", "mnist-mlp"])
        let page = try server.ask("GET", "/", headers: Self.html)
        #expect(page.status == 200)
        #expect(page.text.contains("<title>SwiftNet</title>"))
        #expect(page.headers["content-security-policy"]?.hasPrefix("default-src 'none'") == true)
        let tag = try #require(page.headers["etag"])
        // The connection goes on after an answer without a body.
        let client = try server.connect()
        let known = try client.ask("GET", "/", headers: Self.html + ["If-None-Match: \(tag)"])
        #expect(known.status == 304)
        #expect(known.headers["content-length"] == nil)
        #expect(try client.ask("GET", "/page/app.js").status == 200)
        #expect(try server.ask("GET", "/metrics").text.contains("mode=\"\(mode)\""))
    }

    @Test(arguments: ["process", "thread"])
    func thePageCanBeLeftOut(mode: String) throws {
        let server = try ServerProcess(mode: mode, ["--model", "mnist-mlp", "--no-page"])
        #expect(try server.ask("GET", "/", headers: Self.html).status == 404)
        #expect(try server.ask("GET", "/page/app.js").status == 404)
        #expect(try server.ask("GET", "/").status == 200)
    }
}
