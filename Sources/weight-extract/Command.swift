// SPDX-License-Identifier: MIT

import ArgumentParser
import Checkpoints

@main
struct Command: ParsableCommand {
    @Argument var path: String
    func run() throws {
        let c = try Checkpoint.open(path: path)
        print(c.summary)
        for e in c.stateDict.entries { print(e.name, e.tensor.shape, e.tensor.elementType, e.tensor.isBorrowed) }
    }
}
