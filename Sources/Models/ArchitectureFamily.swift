// SPDX-License-Identifier: MIT

import Layers
import Tensors

/// What weights are free to choose of a network.
struct ArchitectureSizes: Sendable {
    /// Number of classes.
    var classes: Int
    /// Side of the pictures, for networks whose weights belong to one; nil for the usual one.
    var side: Int?
    /// Rows of the weights that tell the side; they win.
    var rows: Int?
}

/// Networks whose weights have some names in common.
struct ArchitectureFamily: Sendable {
    /// Names that all of them have: weights that lack one are none of theirs.
    let landmarks: [String]
    /// Name of the last layer's weights, whose first size is the number of classes.
    let head: String
    /// How many rows there are that tell the side of the pictures.
    private let rows: (@Sendable (StateDict) -> Int?)?
    /// The networks, for given sizes.
    let members: @Sendable (ArchitectureSizes) -> [Architecture]

    /// Describes the networks of some configurations.
    ///
    /// - Parameters:
    ///   - landmark: A name that all of them have, besides the head's.
    ///   - describe: Says of a configuration what it is called and how photos become its input.
    ///   - make: Builds the network of a configuration, with so many classes.
    init<Configuration: Sendable>(
        _ configurations: @escaping @autoclosure @Sendable () -> [Configuration], landmark: String, head: String,
        family: String = "", describe: @escaping @Sendable (Configuration) -> (name: String, photo: PhotoPreparation),
        make: @escaping @Sendable (Configuration, Int, StateDict) throws -> any Network
    ) {
        landmarks = [landmark, head]
        self.head = head
        rows = nil
        members = { sizes in
            configurations().map { configuration in
                let (name, photo) = describe(configuration)
                return Architecture(name: name, family: family, photo: photo, classes: sizes.classes) {
                    try make(configuration, sizes.classes, $0)
                }
            }
        }
    }

    /// Describes networks by what makes them.
    init(
        landmarks: [String], head: String, members: @escaping @Sendable (ArchitectureSizes) -> [Architecture],
        rows: (@Sendable (StateDict) -> Int?)? = nil
    ) {
        self.landmarks = landmarks
        self.head = head
        self.members = members
        self.rows = rows
    }

    /// Whether the weights have the names that all members have.
    func mayHold(_ weights: StateDict) -> Bool { landmarks.allSatisfy(weights.contains) }

    /// The members, in the sizes that the weights chose.
    func members(for weights: StateDict) -> [Architecture] {
        let shape = weights.tensor(named: head)?.shape
        // Of SqueezeNet it is a convolution's.
        let classes = shape.flatMap { $0.rank == 2 || $0.rank == 4 ? $0[0] : nil } ?? 1000
        return members(ArchitectureSizes(classes: max(1, classes), rows: rows?(weights)))
    }
}
