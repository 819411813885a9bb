//! A client's TLS session: clear text on our side, records on the client's. No I/O.

use std::io::{Read, Write};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rustls::ServerConnection;

/// A session whose handshake is over.
pub(crate) struct Session(Mutex<ServerConnection>);

/// What came of a client's records.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Opened {
    /// The client will send nothing more, and said so.
    pub(crate) ended: bool,
    /// The session itself has something to say; [`Session::seal`] takes it along.
    pub(crate) has_answer: bool,
}

impl Session {
    /// Takes a session over, with the clear text that it has deciphered already.
    pub(crate) fn new(mut connection: ServerConnection) -> (Session, Vec<u8>) {
        // The outbox bounds what waits.
        connection.set_buffer_limit(None);
        let mut clear = Vec::new();
        read_clear(&mut connection, &mut clear);
        (Session(Mutex::new(connection)), clear)
    }

    /// The records of these bytes, behind those of what the session itself has to say.
    pub(crate) fn seal(&self, bytes: &[u8]) -> Vec<u8> {
        let mut connection = self.lock();
        // Writing to its own memory, without a limit, cannot fail.
        let _ = connection.writer().write_all(bytes);
        take_records(&mut connection, bytes.len())
    }

    /// The records that tell the client that nothing more will come.
    pub(crate) fn seal_end(&self) -> Vec<u8> {
        let mut connection = self.lock();
        connection.send_close_notify();
        take_records(&mut connection, 0)
    }

    /// Deciphers records onto the end of `clear`; the beginning of a record waits for its rest.
    ///
    /// # Errors
    /// When the client breaks the protocol; the session then has an alert to send.
    pub(crate) fn open(&self, mut records: &[u8], clear: &mut Vec<u8>) -> Result<Opened, rustls::Error> {
        let mut connection = self.lock();
        let mut opened = Opened::default();
        while !records.is_empty() {
            // It takes a part at a time; none only after the client's end, and what follows that is nobody's.
            if !matches!(connection.read_tls(&mut records), Ok(taken) if taken > 0) {
                opened.ended = true;
                break;
            }
            opened.ended = connection.process_new_packets()?.peer_has_closed();
            read_clear(&mut connection, clear);
        }
        opened.has_answer = connection.wants_write();
        Ok(opened)
    }

    fn lock(&self) -> MutexGuard<'_, ServerConnection> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn read_clear(connection: &mut ServerConnection, clear: &mut Vec<u8>) {
    // It ends with WouldBlock when there is no more for now.
    let _ = connection.reader().read_to_end(clear);
}

fn take_records(connection: &mut ServerConnection, bytes: usize) -> Vec<u8> {
    let mut records = Vec::with_capacity(bytes + 64);
    while connection.wants_write() && connection.write_tls(&mut records).is_ok() {}
    records
}
