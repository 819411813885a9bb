//! A client: does the steps of its plan and writes down what it gets.

use std::io;
use std::sync::Arc;

use super::frames::{self, CLOSE, PING, PONG, TEXT};
use super::place::{Door, Line};
use super::plan::{Connect, End, Key, Message, Step, Violation};
use super::world::{State, World};
use super::{backend, plan, posts};

/// Larger than any frame that the schedules allow.
const TOO_LONG: usize = super::run::FRAME_BYTES + 1;

/// In how many pieces a torn message begins; what is left comes whole. A thousand take half a minute on a busy machine.
const PIECES_MAX: usize = 100;

/// What a client got, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Got {
    Reply(usize),
    Error(String),
    Post { poster: usize, sequence: usize },
    Pong(Vec<u8>),
    Close(u16),
}

/// What a client tells at the end.
#[derive(Debug, Default)]
pub(crate) struct Told {
    /// The status of its handshake; 0 when it did not wait for one.
    pub(crate) status: u16,
    pub(crate) got: Vec<Got>,
    pub(crate) sent: usize,
    /// How often every message had come to something when the client waited for that; one that never does is a hang.
    pub(crate) settled: usize,
    /// Whether it sent its close frame, and with which code, before it saw one.
    pub(crate) closed_with: Option<u16>,
    pub(crate) violated: bool,
}

struct Client {
    world: Arc<World>,
    index: usize,
    line: Line,
    arrived: Vec<u8>,
    reading: bool,
    /// Nothing more will come.
    ended: bool,
    told: Told,
}

pub(crate) async fn run(world: Arc<World>, index: usize, door: Door) -> Told {
    let told = match open(&world, index, &door).await {
        Ok(mut client) => {
            if let Err(error) = client.play().await {
                world.say(|| format!("client {index}: {error}"));
            }
            client.told
        }
        Err(error) => {
            world.fault(format!("client {index} could not connect: {error}"));
            Told::default()
        }
    };
    world.say(|| format!("client {index}: over"));
    world.note(|state| state.over.push(index));
    told
}

async fn open(world: &Arc<World>, index: usize, door: &Door) -> io::Result<Client> {
    Ok(Client {
        world: world.clone(),
        index,
        line: Line::connect(door).await?,
        arrived: Vec::new(),
        reading: true,
        ended: false,
        told: Told::default(),
    })
}

impl Client {
    async fn play(&mut self) -> io::Result<()> {
        let plan = self.world.schedule.clients[self.index].clone();
        let key = match plan.key {
            Key::Good => format!("x-api-key: {}\r\n", plan::GOOD_KEY),
            Key::Wrong => "x-api-key: no-such-key\r\n".to_owned(),
            Key::None => String::new(),
        };
        let abandoned = if plan.connect == Connect::Abandon { "x-abandon: 1\r\n" } else { "" };
        let head = format!(
            "GET {} HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
             Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nx-client: {}\r\n{key}{abandoned}\r\n",
            posts::path(),
            self.index
        );
        self.write(head.as_bytes()).await?;
        if plan.connect == Connect::Vanish {
            return self.vanish().await;
        }
        self.told.status = self.read_answer().await?;
        let status = self.told.status;
        self.world.say(|| format!("client {}: answered {status}", self.index));
        if status != 101 {
            return Ok(());
        }
        self.parse();
        for step in &plan.steps {
            if self.ended {
                break;
            }
            self.step(*step).await?;
        }
        self.end(plan.end).await
    }

    // The backend answers $connect only when this client is gone; one that was refused before is told.
    async fn vanish(&mut self) -> io::Result<()> {
        let index = self.index;
        tokio::select! {
            biased;
            () = self.world.until(|state| state.ids.contains_key(&index)) => self.line.reset(),
            answered = self.line.readable() => answered,
        }
    }

    async fn read_answer(&mut self) -> io::Result<u16> {
        let end = loop {
            if let Some(end) = self.arrived.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
                break end + 4;
            }
            self.read().await?;
            if self.ended {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        };
        let head = String::from_utf8_lossy(&self.arrived[..end]).into_owned();
        self.arrived.drain(..end);
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
        status.ok_or_else(|| io::Error::other(format!("no answer to a handshake: {head}")))
    }

    // Reads once.
    async fn read(&mut self) -> io::Result<()> {
        self.line.readable().await?;
        self.read_now()
    }

    fn read_now(&mut self) -> io::Result<()> {
        match self.line.try_read(&mut self.arrived) {
            Ok(0) => self.ended = true,
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => {
                self.ended = true;
                return Err(error);
            }
        }
        if self.told.status == 101 {
            self.parse();
        }
        Ok(())
    }

    fn parse(&mut self) {
        loop {
            match frames::take(&mut self.arrived) {
                Ok(Some((opcode, payload))) => self.take(opcode, payload),
                Ok(None) => return,
                Err(error) => {
                    self.arrived.clear();
                    return self.world.fault(format!("client {} got {error}", self.index));
                }
            }
        }
    }

    fn take(&mut self, opcode: u8, payload: Vec<u8>) {
        let got = match opcode {
            PONG => Got::Pong(payload),
            CLOSE => Got::Close(payload.get(..2).map_or(1005, |code| u16::from_be_bytes([code[0], code[1]]))),
            TEXT => {
                let value: serde_json::Value = serde_json::from_slice(&payload).unwrap_or_default();
                let number = |name: &str| value[name].as_u64().map(|number| number as usize);
                match (number("reply"), number("post"), number("sequence")) {
                    (Some(reply), ..) => Got::Reply(reply),
                    (_, Some(poster), Some(sequence)) => Got::Post { poster, sequence },
                    _ => Got::Error(value["message"].as_str().unwrap_or("not a frame of ours").to_owned()),
                }
            }
            other => return self.world.fault(format!("client {} got a frame with opcode {other}", self.index)),
        };
        self.world.say(|| format!("client {}: {got:?}", self.index));
        if matches!(self.told.got.last(), Some(Got::Close(_))) {
            self.world.fault(format!("client {} got {got:?} behind a close frame", self.index));
        }
        self.told.got.push(got);
    }

    // One that cannot write reads again: a client that does neither waits for itself.
    async fn write(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() && !self.ended {
            tokio::select! {
                biased;
                ready = self.line.writable() => {
                    ready?;
                    match self.line.try_write(bytes) {
                        Ok(written) => bytes = &bytes[written..],
                        Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.reading = true,
                        Err(error) => return Err(error),
                    }
                }
                ready = self.line.readable(), if self.reading => {
                    ready?;
                    self.read_now()?;
                }
            }
        }
        Ok(())
    }

    async fn step(&mut self, step: Step) -> io::Result<()> {
        self.world.say(|| format!("client {}: {step:?}", self.index));
        match step {
            Step::Send(message) => self.send(message).await?,
            Step::Ping => self.write(&frames::frame(PING, true, b"are you there")).await?,
            Step::Stop => self.reading = false,
            Step::Resume => self.reading = true,
            Step::LetFill => {
                let (index, posters) = (self.index, self.world.posters_of(self.index));
                let done = |state: &State| {
                    state.drained || state.posters_done.get(&index).is_some_and(|done| *done >= posters)
                };
                if posters > 0 {
                    self.world.until(done).await;
                }
            }
            Step::Settle => {
                self.reading = true;
                while !self.ended && !self.is_closed() && self.outcomes() < self.told.sent {
                    self.read().await?;
                }
                self.told.settled += usize::from(self.outcomes() == self.told.sent);
            }
        }
        Ok(())
    }

    async fn send(&mut self, message: Message) -> io::Result<()> {
        let number = self.told.sent;
        let text = format!(
            r#"{{"action":"{}","n":{number},"does":"{}","pad":"{}"}}"#,
            message.action,
            message.does,
            "z".repeat(message.padding)
        );
        let bytes = frames::message(text.as_bytes(), message.fragments);
        self.told.sent += 1;
        let (torn, whole) = bytes.split_at(bytes.len().min(message.torn * PIECES_MAX));
        for part in torn.chunks(message.torn.max(1)) {
            self.write(part).await?;
            tokio::task::yield_now().await;
        }
        self.write(whole).await
    }

    fn outcomes(&self) -> usize {
        self.told.got.iter().filter(|got| matches!(got, Got::Reply(_) | Got::Error(_))).count()
    }

    fn is_closed(&self) -> bool {
        self.told.got.iter().any(|got| matches!(got, Got::Close(_)))
    }

    async fn read_to_end(&mut self) -> io::Result<()> {
        self.reading = true;
        let mut answered = self.told.closed_with.is_some();
        while !self.ended {
            if self.is_closed() && !answered {
                answered = true;
                self.write(&frames::frame(CLOSE, true, &1000_u16.to_be_bytes())).await?;
            } else {
                self.read().await?;
            }
        }
        Ok(())
    }

    async fn end(&mut self, end: End) -> io::Result<()> {
        self.world.say(|| format!("client {}: {end:?}", self.index));
        self.world.note(|state| state.steps_done.push(self.index));
        if self.ended {
            return Ok(());
        }
        match end {
            End::Close(code) => self.close(code, &code.to_be_bytes()).await,
            End::CloseWithoutCode => self.close(1005, &[]).await,
            End::Reset => self.line.reset(),
            End::HalfClose => {
                self.line.shutdown().await?;
                self.told.closed_with = Some(1006);
                self.read_to_end().await
            }
            End::Violate(violation) => {
                self.told.violated = true;
                self.write(&violating(violation)).await?;
                self.read_to_end().await
            }
            End::Stay => self.read_to_end().await,
            End::Stuck => {
                let index = self.index;
                let over = |state: &State| {
                    let seen = state.ids.get(&index).and_then(|id| state.seen.get(id));
                    backend::is_over(seen)
                };
                self.world.until(over).await;
                Ok(())
            }
        }
    }

    async fn close(&mut self, code: u16, payload: &[u8]) -> io::Result<()> {
        if !self.is_closed() {
            self.told.closed_with = Some(code);
        }
        self.write(&frames::frame(CLOSE, true, payload)).await?;
        self.read_to_end().await
    }
}

fn violating(violation: Violation) -> Vec<u8> {
    match violation {
        Violation::Unmasked => vec![0x81, 0x02, b'h', b'i'],
        Violation::Reserved => frames::frame(0x3, true, b"hi"),
        Violation::TooLong => frames::frame(TEXT, true, &vec![b'x'; TOO_LONG]),
        Violation::NotUtf8 => frames::frame(TEXT, true, &[0xff, 0xfe]),
    }
}
