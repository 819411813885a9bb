//! Points in time, in whole seconds since 1970, as signatures and policies write them.

/// The day that a civil date is, counted from 1970; none where there is no such date between 1970 and 9999.
fn day(year: u64, month: u64, day: u64) -> Option<u64> {
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let days = match month {
        2 => 28 + u64::from(leap),
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return None,
    };
    if !(1970..=9999).contains(&year) || !(1..=days).contains(&day) {
        return None;
    }
    // Years begin in March, so that the leap day comes last.
    let shifted = year - u64::from(month <= 2);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    (365 * shifted + shifted / 4 - shifted / 100 + shifted / 400 + day_of_year).checked_sub(719_468)
}

fn number(text: &str) -> Option<u64> {
    (!text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())).then(|| text.parse().ok())?
}

fn seconds(day: u64, hour: u64, minute: u64, second: u64) -> Option<u64> {
    (hour < 24 && minute < 60 && second < 60).then_some(day * 86_400 + hour * 3600 + minute * 60 + second)
}

/// `20260115T120000Z`.
pub(crate) fn from_basic(text: &str) -> Option<u64> {
    let part = |from: usize, to: usize| number(text.get(from..to)?);
    if text.len() != 16 || text.get(8..9) != Some("T") || !text.ends_with('Z') {
        return None;
    }
    seconds(day(part(0, 4)?, part(4, 6)?, part(6, 8)?)?, part(9, 11)?, part(11, 13)?, part(13, 15)?)
}

/// `20260115T120000Z`.
pub(crate) fn to_basic(time: u64) -> String {
    let days = time / 86_400 + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let (hour, minute, second) = (time / 3600 % 24, time / 60 % 60, time % 60);
    format!("{year:04}{month:02}{day:02}T{hour:02}{minute:02}{second:02}Z")
}

/// `Thu, 15 Jan 2026 12:00:00 GMT`, as the header `Date` has it.
pub(crate) fn from_http(text: &str) -> Option<u64> {
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let (_, rest) = text.split_once(", ")?;
    let [date, month, year, clock, "GMT"] = rest.split(' ').collect::<Vec<_>>()[..] else { return None };
    let [hour, minute, second] = clock.split(':').collect::<Vec<_>>()[..] else { return None };
    let month = MONTHS.iter().position(|name| *name == month)? as u64 + 1;
    seconds(day(number(year)?, month, number(date)?)?, number(hour)?, number(minute)?, number(second)?)
}

/// What policies and TOML have: `2026-01-15T12:00:00Z`, with a fraction or an offset too, a bare date, or seconds since 1970.
///
/// Gives seconds since 1970; `None` where it is none of these.
pub fn from_iso(text: &str) -> Option<i64> {
    if let Some(seconds) = number(text) {
        return i64::try_from(seconds).ok();
    }
    let (date, clock) = text.split_once(['T', ' ']).unwrap_or((text, "00:00:00Z"));
    let [year, month, of_month] = date.split('-').collect::<Vec<_>>()[..] else { return None };
    let day = day(number(year)?, number(month)?, number(of_month)?)?;
    let zone_at = clock.find(['Z', '+', '-']).unwrap_or(clock.len());
    let (clock, zone) = clock.split_at(zone_at);
    let (hour_minute, second) = match clock.split(':').collect::<Vec<_>>()[..] {
        [hour, minute] => ((hour, minute), "0"),
        [hour, minute, second] => ((hour, minute), second.split('.').next()?),
        _ => return None,
    };
    let local = seconds(day, number(hour_minute.0)?, number(hour_minute.1)?, number(second)?)? as i64;
    let offset = match zone {
        "" | "Z" => 0,
        _ => {
            let (hours, minutes) = zone[1..].split_once(':')?;
            let seconds = (number(hours)?.min(24) * 3600 + number(minutes)?.min(60) * 60) as i64;
            if zone.starts_with('-') { -seconds } else { seconds }
        }
    };
    Some(local - offset)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_they_are_written() {
        for time in (0..=4_102_444_800u64).step_by(7_654_321).chain([951_782_399, 951_868_799, 1_768_478_400]) {
            assert_eq!(from_basic(&to_basic(time)), Some(time));
        }
        assert_eq!(to_basic(1_768_478_400), "20260115T120000Z");
        assert_eq!(from_http("Thu, 15 Jan 2026 12:00:00 GMT"), Some(1_768_478_400));
        for (text, expected) in [
            ("2026-01-15T12:00:00Z", Some(1_768_478_400)),
            ("2026-01-15T12:00:00.123Z", Some(1_768_478_400)),
            ("2026-01-15T13:00:00+01:00", Some(1_768_478_400)),
            ("2026-01-15T12:00Z", Some(1_768_478_400)),
            ("1768478400", Some(1_768_478_400)),
            ("2026-01-15", Some(1_768_435_200)),
            ("2026-02-29", None),
            ("tomorrow", None),
            ("", None),
        ] {
            assert_eq!(from_iso(text), expected, "{text}");
        }
        for text in
            ["", "20260115T120000", "20260115T126000Z", "20261315T120000Z", "2026é115T12000Z", "20260115 120000Z"]
        {
            assert_eq!(from_basic(text), None, "{text}");
        }
    }
}
