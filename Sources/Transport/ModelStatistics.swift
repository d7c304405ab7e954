// SPDX-License-Identifier: MIT

import Protocols
import SystemCalls

/// What is counted for each model.
package enum ModelCounter: Int, CaseIterable, Sendable {
    /// Images or rows answered, runs that answered them, and runs that failed.
    case images, runs, failures
    /// Time of the runs that succeeded.
    case nanoseconds
    /// When the last run ended, in milliseconds since 1970. The latest of the workers' counts.
    case lastMilliseconds
}

extension FleetStatistics {
    /// The most models, whatever they are called over the life of the server, that are counted; others are not.
    static let maxModels = 30

    /// The place of a model's numbers, the same in all workers; nil if there are too many models.
    func modelPlace(_ model: ServedModel) -> Int? {
        // FNV-1a; 0 marks a free place.
        let hash = "\(model.name)/\(model.version)".utf8.reduce(0xCBF2_9CE4_8422_2325 as UInt64) {
            ($0 ^ UInt64($1)) &* 0x100_0000_01B3
        }
        for place in 0..<Self.maxModels {
            let name = claimModelPlace(place, hash | 1)
            if name == hash | 1 { return place }
        }
        return nil
    }

    /// A model's number, over all workers.
    package func total(_ counter: ModelCounter, of model: ServedModel) -> UInt64 {
        guard let place = modelPlace(model) else { return 0 }
        let values = modelCells(place, counter)
        return counter == .lastMilliseconds ? values.max() ?? 0 : values.reduce(0, &+)
    }
}

/// Times one run of a model and counts how it ended.
package struct ModelClock {
    private let statistics: WorkerStatistics
    private let place: Int?
    private let images: Int
    private let start = SystemClock.monotonicNanoseconds()

    package init(_ statistics: WorkerStatistics, _ model: ServedModel, images: Int) {
        self.statistics = statistics
        self.images = images
        place = statistics.fleet.modelPlace(model)
    }

    package func succeeded() {
        statistics.add(UInt64(images), to: .images)
        statistics.add(1, to: .runs)
        guard let place else { return }
        let (fleet, slot) = (statistics.fleet, statistics.slot)
        fleet.add(UInt64(images), to: .images, place: place, slot: slot)
        fleet.add(1, to: .runs, place: place, slot: slot)
        fleet.add(SystemClock.monotonicNanoseconds() - start, to: .nanoseconds, place: place, slot: slot)
        fleet.setLastRun(SystemClock.nanosecondsSince1970() / 1_000_000, place: place, slot: slot)
    }

    package func failed() {
        guard let place else { return }
        statistics.fleet.add(1, to: .failures, place: place, slot: statistics.slot)
    }
}
