// SPDX-License-Identifier: MIT

import ArgumentParser
import CommandSupport
import Inference
import SystemCalls

/// `swiftnet add`: a network's file into the model repository.
struct AddCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "add", _superCommandName: SwiftNetCommand.name,
        abstract: "Add a network to the model repository.",
        discussion: """
            Copies the file, describes it in model.json, and runs it once. After that, 'models', 'infer', 'serve', 'bench' and \
            the others know it by its name.

            EXAMPLES
              swiftnet add flowers flowers.onnx --labels flowers.txt
              swiftnet add flowers better.onnx --new-version
            """)

    @Argument(help: ArgumentHelp("The model's name: letters, digits, '-', '_' and '.'.", valueName: "name"))
    var name: String

    @Argument(
        help: ArgumentHelp("A network (.onnx, .pt2), or weights whose architecture is recognised.", valueName: "file"),
        completion: .file())
    var file: String

    @OptionGroup var graphFlags: GraphModelFlags

    @Option(
        help: ArgumentHelp(
            "The shorter side's length before the middle is cut out; 0 brings both sides to the input, whatever their ratio.",
            valueName: "N"))
    var resize: Int?

    @Option(
        help: ArgumentHelp(
            "The side of the square that is cut out of the middle, as torchvision's CenterCrop has it: the network's "
                + "input, as --size N.", valueName: "N"))
    var crop: Int?

    @Option(
        help: ArgumentHelp("How pixels are interpolated: nearest, bilinear or bicubic.", valueName: "name"),
        completion: .list(["nearest", "bilinear", "bicubic"]))
    var interpolation: String?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("Taken from each channel: 0.485,0.456,0.406, or one number for all.", valueName: "numbers"))
    var mean: String?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "What each channel is divided by then: 0.229,0.224,0.225, or one number.", valueName: "numbers"))
    var std: String?

    @Option(help: ArgumentHelp("What 8-bit values are multiplied by first; 1/255 by default.", valueName: "number"))
    var scale: Float?

    @Flag(help: "The network takes blue first.")
    var bgr = false

    @Flag(help: "Add a version to a model that exists.")
    var newVersion = false

    @Option(help: ArgumentHelp("One sentence for people.", valueName: "text"))
    var description: String?

    @Option(
        help: ArgumentHelp(
            "The model repository. Default: $SWIFTNET_WEIGHTS, share/swiftnet beside the program, or the package's own "
                + "Weights.", valueName: "dir"),
        completion: .directory)
    var weights: String?

    func run() throws {
        try Failure.reporting {
            let repository = try weights.map { try ModelRepository(path: $0) } ?? ModelRepository.standard()
            let options = try options()
            let (added, notes) = try Failure.about(file) {
                try repository.add(
                    name, file: file, options: options, description: description, isNewVersion: newVersion)
            }
            for note in notes { writeStandardError("swiftnet: \(Printable.line("\(file): \(note)"))\n") }
            try writeStandardOutput(
                """
                \(name) \(added.version): \(added.description.input.shown), \(classes(added.description.labels)), \
                in \(Printable.line(added.path))
                next: swiftnet \(next(added.description))\n
                """)
        }
    }

    /// A command that has the model answer.
    private func next(_ description: ModelDescription) -> String {
        let place = weights.map { " --weights \(Printable.line($0))" } ?? ""
        if description.input.preprocessing == .tensors { return "serve\(place) --model \(name)" }
        return "infer\(place) --model \(name) \(description.labels.isEmpty ? "--output answer.npz IMAGE" : "IMAGE ...")"
    }

    /// How many classes there are, and what the first are called.
    private func classes(_ labels: [String]) -> String {
        let shown = labels.prefix(3).map { Printable.line($0) }.joined(separator: ", ")
        return labels.isEmpty ? "no classes" : "\(labels.count) classes (\(shown)\(labels.count > 3 ? ", ..." : ""))"
    }

    private func options() throws -> GraphModelOptions {
        var options = try graphFlags.options()
        if let crop {
            guard (1...8192).contains(crop) else {
                throw ValidationError("--crop takes a side of 1 to 8192 pixels, not \(crop).")
            }
            let side = (crop, crop)
            guard options.size.map({ $0 == side }) ?? true else {
                throw ValidationError(
                    "--crop \(crop) is the network's input, but --size says \(graphFlags.size ?? ""); give one of them."
                )
            }
            options.size = side
        }
        options.mean = try mean.map { try numbers($0, "--mean") }
        options.std = try std.map { try numbers($0, "--std") }
        options.scale = scale
        options.color = bgr ? .bgr : nil
        let known = ["nearest", "bilinear", "bicubic"]
        if let interpolation, !known.contains(interpolation) {
            throw ValidationError(
                "--interpolation must be one of \(known.joined(separator: ", ")), not '\(interpolation)'.")
        }
        let kind = interpolation.flatMap(ModelDescription.Input.Resize.Interpolation.init)
        if let resize, !(0...8192).contains(resize) {
            throw ValidationError("--resize takes a length of 1 to 8192 pixels, or 0, not \(resize).")
        }
        switch resize {
        case 0?: options.resize = .init(mode: .stretch, interpolation: kind)
        case let size?: options.resize = .init(mode: .shortSide, size: size, interpolation: kind)
        case nil: options.interpolation = kind
        }
        return options
    }

    private func numbers(_ text: String, _ flag: String) throws -> [Float] {
        let numbers = text.split(separator: ",").compactMap { Float($0.trimmingSpaces) }
        guard [1, 3].contains(numbers.count), numbers.count == text.split(separator: ",").count,
            numbers.allSatisfy({ $0.isFinite && (flag != "--std" || $0.isNormal) })
        else {
            throw ValidationError(
                "\(flag) takes one finite number or three, as in 0.485,0.456,0.406\(flag == "--std" ? ", none of them 0" : "")"
                    + ", not '\(text)'.")
        }
        return numbers
    }
}

extension Substring {
    fileprivate var trimmingSpaces: Substring {
        var text = self
        while text.first == " " { text.removeFirst() }
        while text.last == " " { text.removeLast() }
        return text
    }
}
