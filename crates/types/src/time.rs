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

    /// `Thu, 15 Jan 2026 12:00:00 GMT`: dates in headers of HTTP. Source: RFC 9110, 5.6.7.
    pub fn http(self) -> String {
        const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
        let (t, day) = (self.civil(), DAYS[(self.days() % 7) as usize]);
        let month = MONTHS[t.month - 1];
        format!("{day}, {:02} {month} {:04} {:02}:{:02}:{:02} GMT", t.day, t.year, t.hour, t.minute, t.second)
    }

    /// Whole days since 1970, UTC.
    pub fn days(self) -> u64 {
        self.seconds() / 86_400
    }

    /// Year, month from 1 and day of the month from 1, UTC.
    pub fn date(self) -> (i32, u8, u8) {
        let t = self.civil();
        (i32::try_from(t.year).unwrap_or(i32::MAX), t.month as u8, t.day as u8)
    }

    /// The first moment of a day from 1970 to 9999 that is written as in `2026-01-31`; none for other text.
    pub fn from_date(text: &str) -> Option<Timestamp> {
        let shape = |(at, c): (usize, u8)| if at == 4 || at == 7 { c == b'-' } else { c.is_ascii_digit() };
        if text.len() != 10 || !text.bytes().enumerate().all(shape) {
            return None;
        }
        let year: u64 = text[..4].parse().ok()?;
        let (month, day): (u64, u64) = (text[5..7].parse().ok()?, text[8..].parse().ok()?);
        if year < 1970 || !(1..=12).contains(&month) {
            return None;
        }
        // Years begin in March, so that the leap day comes last; the inverse of `civil`.
        let shifted = year - u64::from(month <= 2);
        let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day.checked_sub(1)?;
        let days = 365 * shifted + shifted / 4 - shifted / 100 + shifted / 400 + day_of_year;
        let time = Timestamp(days.checked_sub(719_468)? * 86_400_000);
        // A 31st of April would be a day of May.
        (time.date() == (i32::try_from(year).ok()?, month as u8, day as u8)).then_some(time)
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
    fn dates_are_read_as_they_print_and_other_text_is_none() {
        for day in (0..60_000).step_by(7).chain([789, 11_016, 11_017, 18_321, 20_000]) {
            let time = Timestamp(day * 86_400_000);
            assert_eq!(Timestamp::from_date(&time.iso()[..10]), Some(time), "{time}");
            assert_eq!(time.days(), day);
        }
        for text in [
            "",
            "2026-02-29",
            "2026-04-31",
            "2026-13-01",
            "2026-00-01",
            "2026-01-00",
            "1969-12-31",
            "2026/01/01",
            "2026-1-1",
            "20é6-01-01",
        ] {
            assert_eq!(Timestamp::from_date(text), None, "{text}");
        }
    }

    #[test]
    fn headers_have_the_day_of_the_week() {
        // The example of RFC 9110, and a leap day.
        assert_eq!(Timestamp(784_111_777_000).http(), "Sun, 06 Nov 1994 08:49:37 GMT");
        assert_eq!(Timestamp(951_782_400_000).http(), "Tue, 29 Feb 2000 00:00:00 GMT");
    }

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
