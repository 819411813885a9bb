//! How closely AWS is followed where following it hurts.

use crate::id::Id;

/// What may differ from AWS on the wire. The default is AWS's own behaviour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Dialect {
    /// Whether the improvements are on that change bytes; COMPATIBILITY.md lists them.
    pub extended: bool,
    /// Whether clients may send binary frames; AWS closes the connection with 1003.
    pub binary: bool,
    /// Which events are traced for OpenTelemetry, and whether backends are told.
    pub tracing: Tracing,
}

/// Which events are traced, and whether backends are told by a `traceparent` header. AWS knows neither; by default there is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tracing {
    /// Whether backends get a `traceparent`.
    pub is_told: bool,
    /// Of 2^64 events so many are traced; [`u64::MAX`]: all of them.
    pub share: u64,
}

impl Tracing {
    /// Of all events this share, from 0 to 1.
    pub fn share_of(ratio: f64) -> u64 {
        // Casts of floats stop at the bounds.
        if ratio >= 1.0 { u64::MAX } else { (ratio * u64::MAX as f64) as u64 }
    }

    /// Whether the event of this request id is traced: by its random part, so that all who ask decide alike.
    pub fn samples(self, request_id: &Id) -> bool {
        self.share == u64::MAX || request_id.random() < self.share
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::IdKind;

    #[test]
    fn a_share_of_events_is_traced() {
        for (ratio, random, is_traced) in [
            (0.0, 0, false),
            (0.0, u64::MAX, false),
            (-1.0, 0, false),
            (f64::NAN, 0, false),
            (0.25, u64::MAX / 4 - u64::MAX / 100, true),
            (0.25, u64::MAX / 4 + u64::MAX / 100, false),
            (1.0, u64::MAX, true),
            (7.0, 0, true),
        ] {
            let tracing = Tracing { is_told: true, share: Tracing::share_of(ratio) };
            assert_eq!(tracing.samples(&Id::new(IdKind::Request, 0, random)), is_traced, "{ratio} {random}");
        }
    }
}
