//! What a cluster's things are called in NATS: each begins with the cluster's name, so that several share one NATS.

/// The names of one cluster.
#[derive(Clone, Debug)]
pub(crate) struct Names(String);

impl Names {
    pub(crate) fn of(cluster: &str) -> Names {
        Names(cluster.to_owned())
    }

    /// The bucket of node numbers.
    pub(crate) fn nodes(&self) -> String {
        format!("{}-nodes", self.0)
    }

    /// The stream of batches.
    pub(crate) fn log(&self) -> String {
        format!("{}-log", self.0)
    }

    /// The one subject of that stream.
    pub(crate) fn log_subject(&self) -> String {
        format!("{}.log", self.0)
    }

    /// The stream of snapshots.
    pub(crate) fn snapshots(&self) -> String {
        format!("{}-snapshots", self.0)
    }

    /// Where it says which snapshot is whole.
    pub(crate) fn snapshot_made(&self) -> String {
        format!("{}.snapshot.made", self.0)
    }

    /// A part of a snapshot.
    pub(crate) fn snapshot_part(&self, id: &str, part: u32) -> String {
        format!("{}.snapshot.part.{id}.{part}", self.0)
    }

    /// All parts of a snapshot.
    pub(crate) fn snapshot_parts(&self, id: &str) -> String {
        format!("{}.snapshot.part.{id}.*", self.0)
    }

    /// All subjects of that stream.
    pub(crate) fn snapshot_subjects(&self) -> String {
        format!("{}.snapshot.>", self.0)
    }

    /// Where each node tells how many connections it has.
    pub(crate) fn load(&self) -> String {
        format!("{}.load", self.0)
    }

    /// Where a node hears what is asked of its connections.
    pub(crate) fn node(&self, number: u16) -> String {
        format!("{}.node.{number}", self.0)
    }
}
