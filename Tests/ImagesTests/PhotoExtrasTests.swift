// SPDX-License-Identifier: MIT

import Images
import Testing

/// What phones append to a JPEG, after that was turned.
@Suite("What follows the picture in a JPEG")
struct PhotoExtrasTests {
    private let film: [UInt8] = [0, 0, 0, 0x18] + Array("ftypmp42".utf8) + (0..<5000).map { UInt8($0 * 7 & 0xFF) }

    private func picture(_ width: Int, _ height: Int) throws -> Image {
        let pixels = (0..<(width * height)).flatMap { index -> [UInt8] in
            [UInt8(index % width * 255 / width), UInt8(index / width * 255 / height), index % width < 8 ? 255 : 0]
        }
        return try Image(width: width, height: height, format: .rgb8, pixels: pixels)
    }

    private func jpeg(_ width: Int = 64, _ height: Int = 48) throws -> [UInt8] {
        try ImageEncoder.jpeg(try picture(width, height), quality: 90)
    }

    private func isClose(_ first: Image, _ second: Image) -> Bool {
        (first.width, first.height) == (second.width, second.height)
            && zip(first.pixels, second.pixels).reduce(0) { $0 + abs(Int($1.0) - Int($1.1)) } <= 6 * first.pixels.count
    }

    @Test("a film is the same bytes at the end, and XMP still finds it there", arguments: 1...3)
    func keepsFilm(turns: Int) throws {
        let motion = "<rdf:Description GCamera:MicroVideo=\"1\" GCamera:MicroVideoOffset=\"\(film.count)\"/>"
        let file = try ImageTurner.turned(try jpeg().withXMP(motion) + film, quarterTurnsCounterclockwise: turns)
        #expect(file.change == .lossless)
        #expect(Array(file.bytes.suffix(film.count)) == film)
        #expect(file.bytes.firstRange(of: Array(motion.utf8)) != nil)
        let image = try ImageDecoder.decode(file.bytes).image
        #expect(isClose(image, try ImageDecoder.decode(try jpeg()).image.turned(turns)))
    }

    @Test("the second picture of an MPO is turned too, and the index finds it", arguments: 1...3)
    func turnsSecondPicture(turns: Int) throws {
        let original = try Goldens.bytes("Formats/two-pictures.mpo")
        let before = try #require(MPO(original))
        #expect(before.pictures.count == 2)
        let file = try ImageTurner.turned(original, quarterTurnsCounterclockwise: turns)
        let after = try #require(MPO(file.bytes))
        #expect(after.pictures.count == 2)
        #expect(after.pictures[0].count + after.pictures[1].count == file.bytes.count)
        for (old, new) in zip(before.pictures, after.pictures) {
            #expect(isClose(try ImageDecoder.decode(new).image, try ImageDecoder.decode(old).image.turned(turns)))
        }
    }

    @Test(
        "a gain map and a film that XMP lists: the map is turned, its new length stated, the film kept",
        arguments: 1...3)
    func turnsGainMap(turns: Int) throws {
        let map = try jpeg(30, 22)
        let text = { (length: Int) in
            "<Container:Directory><rdf:li><Container:Item Item:Mime=\"image/jpeg\" Item:Semantic=\"Primary\"/></rdf:li>"
                + "<rdf:li><Container:Item Item:Mime=\"image/jpeg\" Item:Semantic=\"GainMap\" Item:Length=\"\(length)\"/>"
                + "</rdf:li><rdf:li><Container:Item Item:Mime=\"video/mp4\" Item:Semantic=\"MotionPhoto\" "
                + "Item:Length=\"5012\"/></rdf:li></Container:Directory>"
        }
        #expect(film.count == 5012)
        let original = try jpeg().withXMP(text(map.count)) + map + film
        let file = try ImageTurner.turned(original, quarterTurnsCounterclockwise: turns)
        #expect(Array(file.bytes.suffix(film.count)) == film)
        let starts = file.bytes.indices.filter { file.bytes[$0...].starts(with: [0xFF, 0xD8, 0xFF]) }
        let newMap = Array(file.bytes[try #require(starts.last)..<(file.bytes.count - film.count)])
        #expect(isClose(try ImageDecoder.decode(newMap).image, try ImageDecoder.decode(map).image.turned(turns)))
        #expect(file.bytes.firstRange(of: Array(text(newMap.count).utf8)) != nil)
    }

    @Test("a picture that states its own orientation is turned from there")
    func followsOwnOrientation() throws {
        var data = EXIFData()
        data.picture = [0x112: [6]]
        let map = data.inserted(into: try jpeg(32, 16))
        let text =
            "<Container:Item Item:Mime=\"image/jpeg\"/><Container:Item Item:Mime=\"image/jpeg\" Item:Length=\"\(map.count)\"/>"
        let file = try ImageTurner.turned(try jpeg().withXMP(text) + map, quarterTurnsCounterclockwise: 2)
        let starts = file.bytes.indices.filter { file.bytes[$0...].starts(with: [0xFF, 0xD8, 0xFF]) }
        let new = try ImageDecoder.decode(Array(file.bytes[try #require(starts.last)...]))
        #expect(new.orientation == .up)
        #expect(isClose(new.image, try ImageDecoder.decode(map).upright.turned(2)))
    }

    @Test("an index that leads nowhere, or a picture that can't be turned, refuses the file unless it may be dropped")
    func refuses() throws {
        let original = try Goldens.bytes("Formats/two-pictures.mpo")
        let mpo = try #require(MPO(original))
        var wrongPlace = original
        wrongPlace[mpo.offsetPosition] ^= 0x40
        var cut = original
        cut.removeLast(100)
        let damaged =
            original.prefix(mpo.pictures[0].count + 20) + [UInt8](repeating: 0, count: mpo.pictures[1].count - 20)
        for file in [wrongPlace, cut, Array(damaged)] {
            #expect {
                try ImageTurner.turned(file, quarterTurnsCounterclockwise: 1)
            } throws: { error in
                if case ImageError.extras = error { true } else { false }
            }
            let dropped = try ImageTurner.turned(file, quarterTurnsCounterclockwise: 1, options: .init(extras: .drop))
            #expect(dropped.losses == [.extras(bytes: file.count - mpo.pictures[0].count)])
            #expect(MPO(dropped.bytes) == nil)
            #expect(dropped.bytes.suffix(2) == [0xFF, 0xD9])
            #expect(
                isClose(
                    try ImageDecoder.decode(dropped.bytes).image, try ImageDecoder.decode(original).image.turned(1)))
        }
    }

    @Test("a file whose picture has no end is turned only without what follows")
    func refusesWithoutEnd() throws {
        // The last one has an end marker in its film only.
        for trailer in [Array("text".utf8), film, Array(film.prefix(20)) + [0xFF, 0xD9] + film] {
            let file = Array(try jpeg().dropLast(2)) + trailer
            #expect {
                try ImageTurner.turned(file, quarterTurnsCounterclockwise: 1)
            } throws: { error in
                if case ImageError.extras = error { true } else { false }
            }
            let dropped = try ImageTurner.turned(file, quarterTurnsCounterclockwise: 1, options: .init(extras: .drop))
            #expect(
                isClose(
                    try ImageDecoder.decode(dropped.bytes).image, try ImageDecoder.decode(try jpeg()).image.turned(1)))
        }
    }

    /// The decoder reads some bytes ahead, so it can't tell them from the picture's own; jpegtran leaves them out too.
    @Test("a few bytes before the end marker are no film: what follows the marker is kept", arguments: [1, 3])
    func keepsWhatFollowsAnUncleanEnd(count: Int) throws {
        let file = Array(try jpeg().dropLast(2)) + [UInt8](repeating: 1, count: count) + [0xFF, 0xD9] + film
        let turned = try ImageTurner.turned(file, quarterTurnsCounterclockwise: 1)
        #expect(Array(turned.bytes.suffix(film.count + 2)) == [0xFF, 0xD9] + film)
        #expect(
            isClose(try ImageDecoder.decode(turned.bytes).image, try ImageDecoder.decode(try jpeg()).image.turned(1)))
    }

    @Test("with the orientation alone, nothing that follows moves")
    func keepsPlaces() throws {
        let original = try Goldens.bytes("Formats/two-pictures.mpo")
        let before = try #require(MPO(original))
        let file = try ImageTurner.turned(
            original, quarterTurnsCounterclockwise: 1, options: .init(method: .orientation))
        let after = try #require(MPO(file.bytes))
        #expect(after.pictures[1] == before.pictures[1])
        #expect(try ImageDecoder.decode(file.bytes).orientation == .left)
    }

    @Test("indexes damaged anywhere never trap")
    func survivesDamage() throws {
        let original = try Goldens.bytes("Formats/two-pictures.mpo")
        let index = try #require(MPO(original)).offsetPosition
        for offset in (index - 60)..<(index + 20) {
            for value: UInt8 in [0, 1, 0x7F, 0xFF] {
                var damaged = original
                damaged[offset] = value
                _ = try? ImageTurner.turned(damaged, quarterTurnsCounterclockwise: 1)
            }
        }
    }
}

/// The pictures that a file's index lists, found without the library's own reader.
private struct MPO {
    private(set) var pictures: [[UInt8]] = []
    /// Where the second picture's offset stands in the file.
    private(set) var offsetPosition = 0

    init?(_ file: [UInt8]) {
        guard let mark = file.firstRange(of: Array("MPF\0".utf8))?.upperBound else { return nil }
        let isLittle = file[mark] == 0x49
        let number = { (at: Int, bytes: Int) in
            let part = file[(mark + at)..<(mark + at + bytes)]
            return (isLittle ? Array(part.reversed()) : Array(part)).reduce(0) { $0 << 8 | Int($1) }
        }
        let directory = number(4, 4)
        for entry in 0..<number(directory, 2) where number(directory + 2 + entry * 12, 2) == 0xB002 {
            let list = number(directory + 2 + entry * 12 + 8, 4)
            for picture in 0..<(number(directory + 2 + entry * 12 + 4, 4) / 16) {
                let size = number(list + picture * 16 + 4, 4)
                let offset = number(list + picture * 16 + 8, 4)
                let start = offset == 0 ? 0 : mark + offset
                if picture == 1 { offsetPosition = mark + list + 24 }
                guard start + size <= file.count else { return nil }
                pictures.append(Array(file[start..<(start + size)]))
            }
        }
    }
}
