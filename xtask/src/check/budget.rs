//! How long the gate may take: one that takes longer is run less often.

use std::time::Duration;

use crate::Usage;

/// What all steps together may take on [`CORES`] cores, in minutes, without what they install.
const MINUTES: u64 = 40;
const CORES: usize = 2;
/// Where a machine is slower, or has other work to do, this names the minutes instead.
pub(crate) const VARIABLE: &str = "XTASK_CHECK_MINUTES";
/// The most that can be asked for: a day.
const MINUTES_MAX: u64 = 24 * 60;

/// The time that the steps may take.
///
/// # Errors
/// When the environment names no number of minutes.
pub(crate) fn budget() -> anyhow::Result<Duration> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let asked = std::env::var_os(VARIABLE).map(|text| text.to_string_lossy().into_owned());
    minutes(asked.as_deref(), cores).map(|minutes| Duration::from_secs(60 * minutes))
}

fn minutes(asked: Option<&str>, cores: usize) -> anyhow::Result<u64> {
    let Some(asked) = asked else {
        // One core takes twice as long; more than two are a reserve.
        return Ok(MINUTES * CORES as u64 / cores.clamp(1, CORES) as u64);
    };
    let minutes = asked.trim().parse().ok().filter(|minutes| (1..=MINUTES_MAX).contains(minutes));
    minutes.ok_or_else(|| Usage::error(format!("{VARIABLE} cannot be `{asked}`: minutes, 1 to {MINUTES_MAX}")))
}

/// What the gate says of its time, and whether it was within the budget.
pub(crate) fn judged(took: Duration, installs: Duration, budget: Duration) -> (String, bool) {
    let own = took.saturating_sub(installs);
    let is_kept = own <= budget;
    let mut text = format!("time: {:.0} s of {} s", own.as_secs_f64(), budget.as_secs());
    if installs >= Duration::from_secs(1) {
        text += &format!(", and {:.0} s for what was installed", installs.as_secs_f64());
    }
    if !is_kept {
        text += &format!(": too long. Make the steps shorter; on a slower or busy machine set {VARIABLE}");
    }
    (text, is_kept)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_budget_is_for_two_cores_and_can_be_set() {
        assert_eq!(minutes(None, 2).unwrap(), 40);
        assert_eq!(minutes(None, 64).unwrap(), 40);
        assert_eq!(minutes(None, 1).unwrap(), 80);
        assert_eq!(minutes(Some("90"), 2).unwrap(), 90);
        for wrong in ["", "0", "-1", "1441", "15m"] {
            assert!(minutes(Some(wrong), 2).unwrap_err().is::<Usage>(), "{wrong}");
        }
    }

    #[test]
    fn the_time_is_told_and_judged_without_what_was_installed() {
        let seconds = Duration::from_secs;
        let (text, is_kept) = judged(seconds(424), seconds(0), seconds(900));
        assert_eq!((text.as_str(), is_kept), ("time: 424 s of 900 s", true));
        let (text, is_kept) = judged(seconds(1000), seconds(200), seconds(900));
        assert_eq!((text.as_str(), is_kept), ("time: 800 s of 900 s, and 200 s for what was installed", true));
        let (text, is_kept) = judged(seconds(1101), seconds(200), seconds(900));
        assert!(!is_kept && text.contains("too long") && text.contains(VARIABLE), "{text}");
    }
}
