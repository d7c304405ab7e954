// SPDX-License-Identifier: MIT

import Images
import Inference
import Testing

@Suite("Rotation")
struct RotationTests {
    @Test("the angles add up, so an upright photo needs 360 degrees", arguments: [0, 90, 180, 270])
    func addsUp(direction: Int) throws {
        let rotation = try #require(Rotation(nowDirection: direction, orientation: .right, confidence: 0.9))
        #expect(rotation.modelDegree == 360 - direction)
        #expect(rotation.isUpright == (direction == 0))
        #expect(rotation.exifDegree == 270)
    }

    @Test("EXIF's part is told counter-clockwise")
    func tellsEXIF() {
        let degrees = [
            EXIFOrientation.up: 0, .upMirrored: 0, .down: 180, .downMirrored: 180, .leftMirrored: 90, .right: 270,
            .rightMirrored: 270, .left: 90,
        ]
        #expect(degrees.count == EXIFOrientation.allCases.count)
        for (orientation, expected) in degrees {
            let rotation = Rotation(nowDirection: 0, orientation: orientation, confidence: 1)
            #expect(rotation?.exifDegree == expected, "\(orientation)")
        }
    }

    @Test("other directions and labels are no rotations")
    func rejectsOthers() {
        #expect(Rotation(nowDirection: 45, orientation: .up, confidence: 1) == nil)
        #expect(Rotation(nowDirection: 360, orientation: .up, confidence: 1) == nil)
        #expect(Rotation.areDegrees(["0", "90", "180", "270"]))
        #expect(!Rotation.areDegrees(["0", "1"]))
        #expect(!Rotation.areDegrees([]))
    }

    @Test("a photo that was turned is turned back", arguments: 1...3)
    func turnsBack(turns: Int) throws {
        let pixels = (0..<(5 * 4 * 3)).map { UInt8($0 * 4) }
        let image = try Image(width: 5, height: 4, format: .rgb8, pixels: pixels)
        let file = try ImageEncoder.png(image.turned(turns))
        let rotation = try #require(Rotation(nowDirection: turns * 90, orientation: .up, confidence: 1))
        let upright = try rotation.upright(file)
        #expect(try ImageDecoder.decode(upright.bytes).image == image)
    }

    @Test("an upright photo's file is left as it is")
    func leavesUpright() throws {
        let rotation = try #require(Rotation(nowDirection: 0, orientation: .right, confidence: 1))
        #expect(try rotation.upright([1, 2, 3]) == TurnedFile(bytes: [1, 2, 3], change: .none))
    }
}
