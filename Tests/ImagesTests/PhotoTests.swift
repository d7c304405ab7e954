// SPDX-License-Identifier: MIT

import Checkpoints
import Foundation
import Images
import Testing

/// The whole way of a photo against Pillow, over as many photos as the list names; see Tools/goldens/photos.py.
@Suite("Photos")
struct PhotoTests {
    private static let list = ProcessInfo.processInfo.environment["SWIFTNET_PHOTO_PIXELS"]

    private static var folder: URL {
        let data = ProcessInfo.processInfo.environment["SWIFTNET_DATA"] ?? "../shared/data"
        return URL(filePath: data).appending(path: "photos")
    }

    @Test(
        "photos have Pillow's pixels, whole and resized",
        .enabled(if: list != nil, "SWIFTNET_PHOTO_PIXELS names no list; Tools/goldens/run photos FILE makes one"))
    func decodesAsPillow() throws {
        let list = try String(contentsOfFile: try #require(Self.list), encoding: .utf8)
        let lines = list.split(separator: "\n")
        #expect(!lines.isEmpty)
        for line in lines {
            let fields = line.split(separator: "\t").map(String.init)
            let bytes = Array(try Data(contentsOf: Self.folder.appending(path: fields[0])))
            let image = try ImageDecoder.decode(bytes).upright.converted(to: .rgb8)
            #expect(SHA256.hexadecimal(of: image.pixels) == fields[1], "\(fields[0])")
            #expect(SHA256.hexadecimal(of: image.resized(width: 224, height: 224).pixels) == fields[2], "\(fields[0])")
        }
    }
}
