// SPDX-License-Identifier: MIT

import Checkpoints
import Testing

/// The error that reading ends in; nil where the bytes are accepted.
func refusal(_ bytes: [UInt8], limits: CheckpointLimits = CheckpointLimits()) -> CheckpointError? {
    do {
        _ = try Checkpoint.read(bytes, limits: limits)
        return nil
    } catch let error as CheckpointError {
        return error
    } catch {
        Issue.record("an error of another kind: \(error)")
        return nil
    }
}
