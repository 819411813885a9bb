//! Sockets that systemd opened and passed on: a client that comes while the program is started anew waits instead of failing.
//!
//! The first takes the place of `--listen`. Source: `sd_listen_fds(3)`.

use tokio::net::TcpListener;

use crate::config::{Config, check_addresses};
use crate::exit::Failure;

/// The socket that takes the place of `--listen`, where one was passed; the settings then say its address.
///
/// # Errors
/// When what was passed is no TCP socket that listens, or one that strangers reach while the control plane is on it.
pub(crate) fn listener(config: &mut Config) -> Result<Option<TcpListener>, Failure> {
    let taken = listenfd::ListenFd::from_env().take_tcp_listener(0);
    let wrong = |error: std::io::Error| Failure::config(format!("listen: the socket that was passed: {error}"));
    let Some(socket) = taken.map_err(wrong)? else { return Ok(None) };
    socket.set_nonblocking(true).map_err(wrong)?;
    let address = socket.local_addr().map_err(wrong)?;
    let settings = &config.settings;
    let may_be_reached = settings.insecure || settings.credentials.is_some();
    // As for `--listen`: what was passed must not open the control plane to a network.
    check_addresses(address, settings.admin, may_be_reached).map_err(Failure::config)?;
    config.settings.listen = address;
    TcpListener::from_std(socket).map(Some).map_err(wrong)
}

#[cfg(test)]
mod tests {
    use crate::config::check_addresses;

    #[test]
    fn a_network_does_not_reach_the_control_plane_by_a_passed_socket() {
        let admin = Some("127.0.0.1:4511".parse().unwrap());
        for (address, admin, may_be_reached, well) in [
            ("127.0.0.1:80", None, false, true),
            ("[::1]:80", None, false, true),
            ("0.0.0.0:80", None, true, false),
            ("0.0.0.0:80", admin, false, false),
            ("0.0.0.0:80", admin, true, true),
            ("[::]:80", None, false, false),
        ] {
            assert_eq!(check_addresses(address.parse().unwrap(), admin, may_be_reached).is_ok(), well, "{address}");
        }
    }
}
