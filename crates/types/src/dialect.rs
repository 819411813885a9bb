//! How closely AWS is followed where following it hurts.

/// What may differ from AWS on the wire. The default is AWS's own behaviour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Dialect {
    /// Whether the improvements are on that change bytes; COMPATIBILITY.md lists them.
    pub extended: bool,
    /// Whether clients may send binary frames; AWS closes the connection with 1003.
    pub binary: bool,
}
