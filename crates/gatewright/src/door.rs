//! Who comes in: whose socket it is, what a trusted proxy says of that, and whether its address has room for one more.

use std::io;
use std::net::IpAddr;
use std::sync::Arc;

use gateway::{Arrival, PROXY_HEAD_BYTES_MAX, Proxied, RequestHead, Seat, TooMany};
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;

use crate::proxies::TrustedProxies;
use crate::service::Service;

/// Who may say that a socket is somebody else's, and how.
#[derive(Clone, Debug, Default)]
pub(crate) struct Door {
    pub(crate) proxies: TrustedProxies,
    /// Trusted proxies begin each socket with a head of the PROXY protocol.
    pub(crate) proxy_protocol: bool,
}

/// Whoever is at the other end of a socket.
#[derive(Clone, Debug)]
pub(crate) struct Visitor {
    arrival: Arrival,
    /// What headers say of another client is believed.
    is_proxy: bool,
    /// Counts the socket as one of its address's.
    seat: Option<Seat>,
    /// Its handshake is counted.
    is_counted: bool,
}

/// Why a socket is not served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Turned {
    /// Its address has too much already.
    TooMany,
    /// It broke off, or is a proxy and said nothing that can be understood.
    Away,
}

impl From<TooMany> for Turned {
    fn from(_: TooMany) -> Turned {
        Turned::TooMany
    }
}

impl Visitor {
    /// Looks at a socket before its first byte of TLS or HTTP. Under TLS the handshake is counted here, because it is the
    /// TLS handshake that costs.
    ///
    /// # Errors
    /// Why it is not to be served.
    pub(crate) async fn at_the_door(
        tcp: &mut TcpStream,
        service: &Service,
        arrival: Arrival,
        is_tls: bool,
    ) -> Result<Visitor, Turned> {
        let door = &service.door;
        let mut visitor = Visitor { arrival, is_proxy: door.proxies.has(arrival.ip), seat: None, is_counted: false };
        if visitor.is_proxy && door.proxy_protocol {
            let Some(proxied) = Box::pin(read_proxied(tcp)).await else {
                service.gateway.say_sparingly(|| {
                    format!(
                        "{} is a trusted proxy and sent no head of the PROXY protocol: closed (proxy-protocol)",
                        arrival.ip
                    )
                });
                return Err(Turned::Away);
            };
            if let Proxied::Client { from, to, tls } = proxied {
                visitor.arrival =
                    Arrival { ip: from.ip().to_canonical(), port: 0, local_port: to.port(), tls: tls || arrival.tls };
                visitor.is_proxy = door.proxies.has(visitor.arrival.ip);
            }
        }
        // Sockets of proxies are many clients', and on the admin address nobody is counted.
        if !visitor.is_proxy && service.serves_clients {
            visitor.seat = service.gateway.seat(visitor.arrival.ip)?;
        }
        if is_tls {
            visitor.shakes_hands(service)?;
        }
        Ok(visitor)
    }

    /// The other end's address: a proxy's own where only its headers will say more.
    pub(crate) fn ip(&self) -> IpAddr {
        self.arrival.ip
    }

    /// It begins with TLS where it need not; that handshake counts as those do where TLS is a must.
    ///
    /// # Errors
    /// Its address has too much already.
    pub(crate) fn speaks_tls(&mut self, service: &Service) -> Result<(), TooMany> {
        self.arrival.tls = true;
        self.shakes_hands(service)
    }

    fn shakes_hands(&mut self, service: &Service) -> Result<(), TooMany> {
        if !self.is_proxy && service.serves_clients {
            service.gateway.may_shake_hands(self.arrival.ip)?;
            self.is_counted = true;
        }
        Ok(())
    }

    /// The client of an upgrade request, and what it holds while its connection is open.
    ///
    /// # Errors
    /// Its address has too much already.
    pub(crate) fn upgrades(
        &self,
        service: &Service,
        head: &mut RequestHead,
    ) -> Result<(Arrival, Option<Seat>), TooMany> {
        let (mut arrival, mut seat) = (self.arrival, self.seat.clone());
        if self.is_proxy {
            arrival = service.door.proxies.behind(arrival, head);
            seat = service.gateway.seat(arrival.ip)?;
        }
        if !self.is_counted {
            service.gateway.may_shake_hands(arrival.ip)?;
        }
        Ok((arrival, seat))
    }

    /// The client of any other request.
    pub(crate) fn asks(&self, service: &Service, headers: &http::HeaderMap) -> Arrival {
        match self.is_proxy {
            true => service.door.proxies.behind_request(self.arrival, headers),
            false => self.arrival,
        }
    }

    /// The same after its first request: handshakes that come later on the same socket count anew.
    pub(crate) fn stays(self) -> Arc<Visitor> {
        Arc::new(Visitor { is_counted: false, ..self })
    }
}

// Takes no byte beyond the head from the socket: what follows may be TLS's. The caller bounds the time.
async fn read_proxied(tcp: &mut TcpStream) -> Option<Proxied> {
    let mut head = Vec::new();
    loop {
        let mut ahead = [0; PROXY_HEAD_BYTES_MAX];
        let before = head.len();
        let seen = peek(tcp, &mut ahead[..PROXY_HEAD_BYTES_MAX.saturating_sub(before).max(1)]).await.ok()?;
        head.extend_from_slice(seen);
        let parsed = Proxied::parse(&head).ok()?;
        let taken = parsed.map_or(head.len(), |(_, length)| length) - before;
        tcp.read_exact(&mut ahead[..taken]).await.ok()?;
        if let Some((proxied, _)) = parsed {
            return Some(proxied);
        }
    }
}

async fn peek<'b>(tcp: &TcpStream, buffer: &'b mut [u8]) -> io::Result<&'b [u8]> {
    let count = tcp.peek(buffer).await?;
    if count == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(&buffer[..count])
}
