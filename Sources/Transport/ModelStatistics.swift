// SPDX-License-Identifier: MIT

import Protocols
import SystemCalls

/// What is counted for each model.
package enum ModelCounter: Int, CaseIterable, Sendable {
    /// Images or rows answered, requests that they came by, and requests that failed.
    case images, requests, failures
    /// Runs of the network; one may answer several requests.
    case runs
    /// Time of the requests that succeeded.
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

/// Times what a model does for one request, and counts how it ended.
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

    /// - Parameter isFirst: Whether the request is the first of those that a run answered.
    package func succeeded(isFirst: Bool = true) {
        statistics.add(UInt64(images), to: .images)
        if isFirst { statistics.add(1, to: .runs) }
        guard let place else { return }
        let (fleet, slot) = (statistics.fleet, statistics.slot)
        fleet.add(UInt64(images), to: .images, place: place, slot: slot)
        fleet.add(1, to: .requests, place: place, slot: slot)
        if isFirst { fleet.add(1, to: .runs, place: place, slot: slot) }
        fleet.add(SystemClock.monotonicNanoseconds() - start, to: .nanoseconds, place: place, slot: slot)
        fleet.setLastRun(SystemClock.nanosecondsSince1970() / 1_000_000, place: place, slot: slot)
    }

    package func failed() {
        guard let place else { return }
        statistics.fleet.add(1, to: .failures, place: place, slot: statistics.slot)
    }
}
