//! What systemd is told: that the gateway serves, and that it stops. One datagram each, where systemd asked for it.
//!
//! Own and no crate: the protocol is a line of text on a socket. Source: `sd_notify(3)`, "Notes".

use std::ffi::OsStr;
use std::io;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};

/// The variable that names the socket. Without it nobody waits to be told.
pub(crate) const VARIABLE: &str = "NOTIFY_SOCKET";

/// Clients are served from now on.
pub(crate) const READY: &str = "READY=1";
/// The end has begun, and takes as long as clients take.
pub(crate) const STOPPING: &str = "STOPPING=1";

/// Tells whoever started the program, where it asked to be told.
///
/// # Errors
/// When the socket that was named does not take it.
pub(crate) fn tell(state: &str) -> io::Result<()> {
    match std::env::var_os(VARIABLE) {
        Some(name) if !name.is_empty() => send(&name, state),
        _ => Ok(()),
    }
}

// A name that begins with `@` is no file: it stands for a zero byte.
fn send(name: &OsStr, state: &str) -> io::Result<()> {
    let address = match name.as_bytes() {
        [b'@', rest @ ..] => SocketAddr::from_abstract_name(rest)?,
        _ => SocketAddr::from_pathname(name)?,
    };
    let socket = UnixDatagram::unbound()?;
    // A queue that is full must not hold the gateway up.
    socket.set_nonblocking(true)?;
    socket.send_to_addr(state.as_bytes(), &address).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(socket: &UnixDatagram) -> String {
        let mut buffer = [0; 64];
        let length = socket.recv(&mut buffer).unwrap();
        String::from_utf8_lossy(&buffer[..length]).into_owned()
    }

    #[test]
    fn a_socket_in_a_folder_and_an_abstract_one_hear_the_state() {
        let path = std::env::temp_dir().join(format!("gatewright-notify-{}", std::process::id()));
        let _ = std::fs::remove_file(&path);
        let socket = UnixDatagram::bind(&path).unwrap();
        send(path.as_os_str(), READY).unwrap();
        assert_eq!(heard(&socket), "READY=1");
        std::fs::remove_file(&path).unwrap();

        let name = format!("gatewright-notify-{}", std::process::id());
        let socket = UnixDatagram::bind_addr(&SocketAddr::from_abstract_name(&name).unwrap()).unwrap();
        send(OsStr::new(&format!("@{name}")), STOPPING).unwrap();
        assert_eq!(heard(&socket), "STOPPING=1");
    }

    #[test]
    fn a_socket_that_nobody_has_and_a_name_that_is_none_are_errors() {
        let long = "x".repeat(4096);
        for name in ["/nowhere/at/all", "@gatewright-nobody-listens-here", &long] {
            assert!(send(OsStr::new(name), READY).is_err(), "{name}");
        }
    }
}
