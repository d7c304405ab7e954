// SPDX-License-Identifier: MIT

import HTTP
import Text

/// A file of the page for people. Its bytes are part of the program; the folder `Page` holds them.
enum PageFile: String, CaseIterable, Sendable {
    /// The document itself. Its path is that of a probe, `/`, from which it is told by what the client accepts.
    case document = "index.html"
    case style = "app.css"
    case app = "app.js"
    case server = "server.js"
    case words = "words.js"
    case parts = "parts.js"
    case draw = "draw.js"
    case photos = "photos.js"
    case ask = "ask.js"
    case running = "running.js"

    /// The file below `/page` that has a name; nil if there is none.
    init?(path name: ByteText) {
        guard let file = Self.allCases.first(where: { ByteText($0.rawValue) == name }), file != .document else {
            return nil
        }
        self = file
    }

    /// The bytes, with what a browser must know of them.
    var content: PageContent { Self.contents[self] ?? PageContent(.document) }

    private static let contents = Dictionary(uniqueKeysWithValues: allCases.map { ($0, PageContent($0)) })

    fileprivate var bytes: [UInt8] {
        switch self {
        case .document: PackageResources.index_html
        case .style: PackageResources.app_css
        case .app: PackageResources.app_js
        case .server: PackageResources.server_js
        case .words: PackageResources.words_js
        case .parts: PackageResources.parts_js
        case .draw: PackageResources.draw_js
        case .photos: PackageResources.photos_js
        case .ask: PackageResources.ask_js
        case .running: PackageResources.running_js
        }
    }

    fileprivate var mediaType: String {
        switch self {
        case .document: "text/html; charset=utf-8"
        case .style: "text/css; charset=utf-8"
        default: "text/javascript; charset=utf-8"
        }
    }
}

/// What a file of the page holds.
struct PageContent: Sendable {
    private let mediaType: String
    private let bytes: [UInt8]
    /// Names these very bytes, so that a browser need not have them again.
    private let entityTag: String

    init(_ file: PageFile) {
        mediaType = file.mediaType
        bytes = file.bytes
        // FNV-1a: what is told apart is one release's file from another's.
        let hash = bytes.reduce(14_695_981_039_346_656_037 as UInt64) { ($0 ^ UInt64($1)) &* 1_099_511_628_211 }
        entityTag = "\"\(String(hash, radix: 16))\""
    }

    /// What the page may do: use its own files and the server that gave it, and nothing else.
    ///
    /// - Source: Content Security Policy Level 3.
    static let securityPolicy =
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; connect-src 'self'; "
        + "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'"

    /// The answer to a request for the file: without its bytes if the client has them already.
    ///
    /// - Source: RFC 9110, sections 13.1.2 and 15.4.5.
    func response(to head: RequestHead) -> Response {
        let isKnown = head.headers.list("if-none-match").contains { tag in
            tag == "*" || tag == ByteText(entityTag) || tag == ByteText("W/" + entityTag)
        }
        var response = isKnown ? Response(.notModified) : Response(.ok, contentType: mediaType, body: bytes)
        response.add("ETag", entityTag)
        response.add("Cache-Control", "no-cache")
        response.add("Vary", "Accept")
        response.add("Content-Security-Policy", Self.securityPolicy)
        response.add("X-Content-Type-Options", "nosniff")
        response.add("Referrer-Policy", "no-referrer")
        response.add("Cross-Origin-Opener-Policy", "same-origin")
        response.add("Cross-Origin-Resource-Policy", "same-origin")
        return response
    }
}
