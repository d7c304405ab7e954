// SPDX-License-Identifier: MIT

import ArgumentParser

@main
struct Command: ParsableCommand {
}
