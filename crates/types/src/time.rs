//! Points in time and how AWS writes them.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A point in time: milliseconds since 1970-01-01 UTC, as `$context.requestTimeEpoch` counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Timestamp(pub u64);

const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

struct Civil {
    year: i64,
    month: usize,
    day: u64,
    hour: u64,
    minute: u64,
    second: u64,
    millisecond: u64,
}

impl Timestamp {
    /// Whole seconds since 1970.
    pub fn seconds(self) -> u64 {
        self.0 / 1000
    }

    /// `2026-01-15T12:00:00Z`: dates of the control plane and of `GET @connections`. Source: documented.
    pub fn iso(self) -> String {
        let t = self.civil();
        format!("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", t.year, t.month, t.day, t.hour, t.minute, t.second)
    }

    /// `2026-01-15T12:00:00.123Z`: times in our own log.
    pub fn iso_millis(self) -> String {
        let t = self.civil();
        format!(
            "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z",
            t.year, t.month, t.day, t.hour, t.minute, t.second, t.millisecond
        )
    }

    /// `19/Feb/2024:07:11:42 +0000`: `$context.requestTime`, always UTC. Source: observed in recorded events.
    pub fn clf(self) -> String {
        let t = self.civil();
        let month = MONTHS[t.month - 1];
        format!("{:02}/{month}/{}:{:02}:{:02}:{:02} +0000", t.day, t.year, t.hour, t.minute, t.second)
    }

    /// Months since the year 0; for what is counted by calendar month.
    pub fn months(self) -> u64 {
        let t = self.civil();
        t.year as u64 * 12 + t.month as u64
    }

    // Days to civil date by counting eras of 400 years from 0000-03-01, after which leap days come last.
    fn civil(self) -> Civil {
        let seconds = self.seconds();
        let days = (seconds / 86_400) as i64 + 719_468;
        let era = days / 146_097;
        let day_of_era = days % 146_097;
        let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let shifted_month = (5 * day_of_year + 2) / 153;
        let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
        Civil {
            year: year_of_era + era * 400 + i64::from(month <= 2),
            month: month as usize,
            day: (day_of_year - (153 * shifted_month + 2) / 5 + 1) as u64,
            hour: seconds / 3600 % 24,
            minute: seconds / 60 % 60,
            second: seconds % 60,
            millisecond: self.0 % 1000,
        }
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.iso_millis())
    }
}

#[cfg(test)]
mod tests {
    use super::Timestamp;

    #[test]
    fn times_print_as_in_recorded_events() {
        let cases = [
            (0, "1970-01-01T00:00:00.000Z", "01/Jan/1970:00:00:00 +0000"),
            (1_708_326_702_789, "2024-02-19T07:11:42.789Z", "19/Feb/2024:07:11:42 +0000"),
            (951_782_399_000, "2000-02-28T23:59:59.000Z", "28/Feb/2000:23:59:59 +0000"),
            (951_868_799_999, "2000-02-29T23:59:59.999Z", "29/Feb/2000:23:59:59 +0000"),
            (4_102_444_800_000, "2100-01-01T00:00:00.000Z", "01/Jan/2100:00:00:00 +0000"),
        ];
        for (millis, iso, clf) in cases {
            assert_eq!(Timestamp(millis).iso_millis(), iso);
            assert_eq!(Timestamp(millis).clf(), clf);
        }
    }
}
