//! What the schedules met, so that a simulation in which nothing happens does not pass for one in which all is well.

macro_rules! coverage {
    ($($name:ident),* $(,)?) => {
        /// How often each thing happened.
        #[derive(Clone, Debug, Default)]
        pub(crate) struct Coverage { $(pub(crate) $name: usize,)* }

        impl Coverage {
            pub(crate) fn add(&mut self, other: &Coverage) {
                $(self.$name += other.$name;)*
            }

            /// What never happened.
            pub(crate) fn missing(&self) -> Vec<&'static str> {
                let all = [$((stringify!($name), self.$name)),*];
                all.iter().filter(|(_, count)| *count == 0).map(|(name, _)| *name).collect()
            }
        }
    };
}

coverage! {
    accepted, unanswered, refused, handshake_403, handshake_429, handshake_503,
    messages, replies, error_frames, throttled_messages, quota_messages, settled, pongs,
    posts_taken, posts_full, posts_gone, posts_received, gets, deletes,
    closed_by_client, closed_1001, closed_by_delete, violations, cut_off, stages_gone, moved, stayed,
}
