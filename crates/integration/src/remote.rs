//! Where a connection goes, worked out from a target and its way.

use std::borrow::Cow;

use types::message::{HttpTarget, Way};

use crate::links::Address;

/// One address, and what makes connections to it differ from others.
pub(crate) struct Remote<'t> {
    pub(crate) tls: bool,
    pub(crate) host: Cow<'t, str>,
    pub(crate) port: u16,
    /// The name that the certificate must be for.
    pub(crate) server_name: &'t str,
    /// The id of the client certificate that is shown.
    pub(crate) client_certificate: Option<&'t str>,
    /// Tells kept connections of one scheme and port apart: the host, and the way where there is one.
    pub(crate) key: Cow<'t, str>,
}

impl<'t> Remote<'t> {
    /// The target's own host, or `address` where a link leads elsewhere.
    pub(crate) fn of(target: &'t HttpTarget, address: Option<&Address>) -> Remote<'t> {
        let host = address.map_or(Cow::Borrowed(target.host.as_str()), |address| Cow::Owned(address.host.clone()));
        let port = address.map_or(target.port, |address| address.port);
        let Some(way) = target.way.as_deref().filter(|_| target.tls) else {
            let (server_name, key) = (target.host.as_str(), host.clone());
            return Remote { tls: target.tls, host, port, server_name, client_certificate: None, key };
        };
        let Way { server_name, client_certificate, .. } = way;
        let server_name = server_name.as_deref().unwrap_or(&target.host);
        let client_certificate = client_certificate.as_deref();
        // A space stands in none of the three.
        let key = Cow::Owned(format!("{host} {server_name} {}", client_certificate.unwrap_or_default()));
        Remote { tls: true, host, port, server_name, client_certificate, key }
    }
}
