// SPDX-License-Identifier: MIT

extension EXIFBlock {
    /// How a picture was turned, for what tells of it elsewhere.
    struct Turn {
        /// What was done to the stored pixels.
        var turning: Turning
        /// Quarter turns counter-clockwise beyond what the orientation asked for.
        var quarterTurns: Int
        /// Width and height before, in pixels.
        var oldSize: (width: Int, height: Int)
        /// Width and height afterwards.
        var newSize: (width: Int, height: Int)
    }

    /// Most bytes of EXIF data in one segment, mark included.
    static let maxSegmentBytes = 65_533

    /// Lets orientation, sizes, resolutions, the subject's place and the preview follow the picture's turn.
    ///
    /// - Parameter turnPreview: Turns the preview's JPEG, into at most so many bytes; nil where it can't be.
    /// - Returns: Whether a preview had to be taken out, since it can't be turned.
    mutating func follow(_ turn: Turn, turnPreview: ([UInt8], Turning, _ maxBytes: Int) -> [UInt8]?) -> Bool {
        if let upright = Self.stating(.up, in: bytes), bytes.withUnsafeBytes(EXIFOrientation.locate(in:)) != nil {
            overwrite(from: 0, with: upright)
        }
        guard let main else { return false }
        let exif = directory(main.entry(Tag.exifDirectory))
        let interoperability = directory(exif?.entry(Tag.interoperabilityDirectory))
        for (directory, width, height) in [
            (main, Tag.imageWidth, Tag.imageHeight), (exif, Tag.pixelWidth, Tag.pixelHeight),
            (interoperability, Tag.relatedImageWidth, Tag.relatedImageHeight),
        ] {
            set([turn.newSize.width], in: directory?.entry(width))
            set([turn.newSize.height], in: directory?.entry(height))
        }
        if turn.turning.swapsSides {
            swap(main.entry(Tag.horizontalResolution), main.entry(Tag.verticalResolution))
            swap(exif?.entry(Tag.focalPlaneHorizontalResolution), exif?.entry(Tag.focalPlaneVerticalResolution))
        }
        for tag in [Tag.subjectArea, Tag.subjectLocation] {
            guard let entry = exif?.entry(tag), let values = numbers(entry) else { continue }
            set(turn.moved(values), in: entry)
        }
        return takesOutPreview(turn, main, turnPreview)
    }

    /// Turns the preview, or takes it out; returns whether it did that.
    private mutating func takesOutPreview(
        _ turn: Turn, _ main: Directory, _ turnJPEG: ([UInt8], Turning, _ maxBytes: Int) -> [UInt8]?
    ) -> Bool {
        guard let offset = number(at: main.nextPosition, bytes: 4), offset > 0, let preview = directory(at: offset)
        else { return false }
        let own = number(preview.entry(Tag.orientation)).flatMap(EXIFOrientation.init(rawValue:))
        let turning = own.map { Turning($0, thenCounterclockwise: turn.quarterTurns) } ?? turn.turning
        let isTurned =
            turning.isIdentity
            || (preview.entry(Tag.jpegOffset) == nil
                ? turnPlainPreview(preview, turning) : turnJPEGPreview(preview, turning, turnJPEG))
        guard isTurned else {
            set(0, at: main.nextPosition, bytes: 4)
            return true
        }
        if own != nil { set([EXIFOrientation.up.rawValue], in: preview.entry(Tag.orientation)) }
        if turning.swapsSides {
            swap(preview.entry(Tag.horizontalResolution), preview.entry(Tag.verticalResolution))
            swap(preview.entry(Tag.imageWidth), preview.entry(Tag.imageHeight))
        }
        return false
    }

    /// Turns a preview that is a JPEG; it stays in its place if it has room there, else it goes to the end.
    private mutating func turnJPEGPreview(
        _ preview: Directory, _ turning: Turning, _ turnJPEG: ([UInt8], Turning, _ maxBytes: Int) -> [UInt8]?
    ) -> Bool {
        guard let offset = number(preview.entry(Tag.jpegOffset)), let length = number(preview.entry(Tag.jpegLength)),
            length > 0, start + offset + length <= bytes.count
        else { return false }
        let place = (start + offset)..<(start + offset + length)
        let isLast = place.upperBound == bytes.count
        let room = max(length, Self.maxSegmentBytes - (isLast ? place.lowerBound : bytes.count + 1))
        guard let new = turnJPEG(Array(bytes[place]), turning, room), new.count <= room else { return false }
        if isLast {
            truncate(to: place.lowerBound)
            bytes += new
        } else if new.count <= length {
            overwrite(from: place.lowerBound, with: new + [UInt8](repeating: 0, count: length - new.count))
        } else {
            overwrite(from: place.lowerBound, with: [UInt8](repeating: 0, count: length))
            set([append(new)], in: preview.entry(Tag.jpegOffset))
        }
        set([new.count], in: preview.entry(Tag.jpegLength))
        return true
    }

    /// Turns a preview of plain RGB samples in its place.
    private mutating func turnPlainPreview(_ preview: Directory, _ turning: Turning) -> Bool {
        guard number(preview.entry(Tag.compression)) == 1, let width = number(preview.entry(Tag.imageWidth)),
            let height = number(preview.entry(Tag.imageHeight)), width > 0, height > 0, width < 4096, height < 4096,
            let offset = number(preview.entry(Tag.stripOffsets)), preview.entry(Tag.stripOffsets)?.count == 1,
            let length = number(preview.entry(Tag.stripByteCounts)), length == width * height * 3,
            start + offset + length <= bytes.count
        else { return false }
        let place = (start + offset)..<(start + offset + length)
        overwrite(
            from: place.lowerBound,
            with: turning.turned(Array(bytes[place]), width: width, height: height, bytesPerPixel: 3))
        return true
    }
}

extension EXIFBlock.Turn {
    /// A point, circle or rectangle of the picture (two, three or four numbers), where it lies afterwards.
    fileprivate func moved(_ area: [Int]) -> [Int] {
        guard (2...4).contains(area.count) else { return area }
        var x = turning.isMirrored ? oldSize.width - 1 - area[0] : area[0]
        var y = area[1]
        var (width, height) = oldSize
        for _ in 0..<turning.quarterTurnsCounterclockwise {
            (x, y) = (y, width - 1 - x)
            (width, height) = (height, width)
        }
        let sides = Array(area.dropFirst(2))
        return [x, y] + (turning.swapsSides && sides.count == 2 ? sides.reversed() : sides)
    }
}
