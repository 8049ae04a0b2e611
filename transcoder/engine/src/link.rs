//! The engine's end of the socket pair: orders and answers come in, messages and questions for bytes of the source go
//! out.

use std::collections::HashMap;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use bytes::Bytes;
use parking_lot::{Condvar, Mutex};
use plan::RenditionId;
use protocol::{Decoder, Order, ToEngine, ToParent};

/// Most orders that may wait: the parent sends one while the engine works at another.
const WAITING_ORDERS: usize = 64;

/// Messages for the session; answers to reads go to their readers instead.
#[derive(Debug)]
pub enum SessionInput {
    /// Plan for the orders that follow.
    Plan(Box<plan::Plan>),
    /// Number and content of an order.
    Order(u32, Order),
}

/// The parent has closed the connection, so the engine ends.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("the parent is gone")]
pub struct Gone;

/// The parent has withdrawn the order that is being carried out.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("the order was abandoned")]
pub struct Abandoned;

/// Connection to the parent, shared by every thread of the session.
pub struct Link {
    out: Mutex<UnixStream>,
    reads: Mutex<HashMap<u32, SyncSender<Bytes>>>,
    next_read: AtomicU32,
    held: Mutex<bool>,
    resumed: Condvar,
    skips: Mutex<Vec<(RenditionId, u32)>>,
    /// Number of the order that is being carried out.
    order: AtomicU32,
    /// Number of the latest order that was withdrawn; it and all orders before it are not wanted any more.
    abandoned: AtomicU32,
    gone: AtomicBool,
}

impl Link {
    /// Starts the thread that listens to the parent. Orders arrive at the receiver, which ends when the parent hangs
    /// up.
    pub fn start(
        stream: UnixStream,
        decoder: Decoder,
    ) -> std::io::Result<(Arc<Self>, Receiver<SessionInput>)> {
        let incoming = stream.try_clone()?;
        let link = Arc::new(Self {
            out: Mutex::new(stream),
            reads: Mutex::default(),
            next_read: AtomicU32::new(0),
            held: Mutex::new(false),
            resumed: Condvar::new(),
            skips: Mutex::default(),
            order: AtomicU32::new(0),
            abandoned: AtomicU32::new(0),
            gone: AtomicBool::new(false),
        });
        let (orders, receiver) = sync_channel(WAITING_ORDERS);
        let listener = link.clone();
        std::thread::Builder::new()
            .name("link".into())
            .spawn(move || {
                listener.listen(incoming, decoder, &orders);
                listener.hang_up();
            })?;
        Ok((link, receiver))
    }

    fn listen(
        &self,
        mut stream: UnixStream,
        mut decoder: Decoder,
        orders: &SyncSender<SessionInput>,
    ) {
        loop {
            match decoder.take::<ToEngine>() {
                Ok(Some((message, payload))) => {
                    if self.take(message, payload, orders).is_err() {
                        return;
                    }
                }
                Ok(None) => match receive(&mut stream, &mut decoder) {
                    Ok(true) => {}
                    Ok(false) | Err(_) => return,
                },
                Err(error) => {
                    tracing::error!(%error, "the parent broke the protocol");
                    return;
                }
            }
        }
    }

    fn take(
        &self,
        message: ToEngine,
        payload: Bytes,
        orders: &SyncSender<SessionInput>,
    ) -> Result<(), Gone> {
        match message {
            ToEngine::Bytes { read } => {
                if let Some(waiter) = self.reads.lock().remove(&read) {
                    // The reader may have given up waiting.
                    let _ = waiter.send(payload);
                }
            }
            ToEngine::Hold => *self.held.lock() = true,
            ToEngine::Resume => {
                *self.held.lock() = false;
                self.resumed.notify_all();
            }
            ToEngine::Abandon { order } => {
                let _held = self.held.lock();
                self.abandoned.fetch_max(order, Ordering::Release);
                self.resumed.notify_all();
            }
            ToEngine::Skip { rendition, segment } => self.skips.lock().push((rendition, segment)),
            ToEngine::Plan(plan) => return orders.send(SessionInput::Plan(plan)).map_err(|_| Gone),
            ToEngine::Order { order, what } => {
                return orders
                    .send(SessionInput::Order(order, what))
                    .map_err(|_| Gone);
            }
            ToEngine::Open { .. } => tracing::warn!("the parent opened the session a second time"),
        }
        Ok(())
    }

    fn hang_up(&self) {
        self.gone.store(true, Ordering::Release);
        *self.held.lock() = false;
        self.resumed.notify_all();
        self.reads.lock().clear();
    }

    /// Whether the parent has hung up.
    pub fn is_gone(&self) -> bool {
        self.gone.load(Ordering::Acquire)
    }

    /// Sends a message to the parent.
    pub fn send(&self, message: &ToParent, payload: &[u8]) -> Result<(), Gone> {
        let frame = protocol::encode(message, payload).map_err(|error| {
            tracing::error!(%error, "a message to the parent cannot be encoded");
            Gone
        })?;
        self.out.lock().write_all(&frame).map_err(|_| Gone)
    }

    /// Asks the parent for bytes of the source; the answer arrives at the receiver.
    pub fn request(&self, offset: u64, length: u32) -> Result<Receiver<Bytes>, Gone> {
        let read = self.next_read.fetch_add(1, Ordering::Relaxed);
        let (sender, receiver) = sync_channel(1);
        self.reads.lock().insert(read, sender);
        if self.is_gone() {
            return Err(Gone);
        }
        self.send(
            &ToParent::Read {
                read,
                offset,
                length,
            },
            &[],
        )?;
        Ok(receiver)
    }

    /// Records the number of the order that begins.
    pub fn begin(&self, order: u32) {
        self.order.store(order, Ordering::Release);
    }

    fn is_abandoned(&self) -> bool {
        self.order.load(Ordering::Acquire) <= self.abandoned.load(Ordering::Acquire)
    }

    /// Waits while the parent holds the session; it is called between two frames. An error means that the order is
    /// not to be continued.
    pub fn go_on(&self) -> anyhow::Result<()> {
        let mut held = self.held.lock();
        while *held && !self.is_abandoned() {
            self.resumed.wait(&mut held);
        }
        drop(held);
        anyhow::ensure!(!self.is_gone(), Gone);
        anyhow::ensure!(!self.is_abandoned(), Abandoned);
        Ok(())
    }

    /// Whether another session has made this segment.
    pub fn is_skipped(&self, rendition: RenditionId, segment: u32) -> bool {
        self.skips.lock().contains(&(rendition, segment))
    }

    /// Forgets the segments to skip, once an order is done.
    pub fn forget_skips(&self) {
        self.skips.lock().clear();
    }
}

/// Reads once from the socket into the decoder; false at the end of the stream.
pub fn receive(stream: &mut UnixStream, decoder: &mut Decoder) -> std::io::Result<bool> {
    const PIECE: usize = 64 << 10;
    let buffer = decoder.buffer();
    let filled = buffer.len();
    buffer.resize(filled + PIECE, 0);
    let read = stream.read(&mut buffer[filled..]);
    buffer.truncate(filled + read.as_ref().map_or(0, |n| *n));
    Ok(read? > 0)
}
