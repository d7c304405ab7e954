// SPDX-License-Identifier: MIT

/// The text of a Date field: "Sun, 06 Nov 1994 08:49:37 GMT".
///
/// - Parameter seconds: Seconds since 1970-01-01 00:00 UTC, leap seconds left out; at least 0.
/// - Source: RFC 9110, section 5.6.7. The calendar is Howard Hinnant's `civil_from_days`.
package func httpDate(secondsSince1970 seconds: Int) -> String {
    let days = seconds / 86_400
    let second = seconds % 86_400
    let shifted = days + 719_468
    let era = shifted / 146_097
    let dayOfEra = shifted % 146_097
    let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let monthFromMarch = (5 * dayOfYear + 2) / 153
    let day = dayOfYear - (153 * monthFromMarch + 2) / 5 + 1
    let month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
    let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
    let dayNames = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"]
    let monthNames = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
    let clock = [second / 3600, second / 60 % 60, second % 60].map(twoDigits).joined(separator: ":")
    return "\(dayNames[days % 7]), \(twoDigits(day)) \(monthNames[month - 1]) \(year) \(clock) GMT"
}

private func twoDigits(_ number: Int) -> String { number < 10 ? "0\(number)" : String(number) }
