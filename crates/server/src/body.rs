//! The body of an answer: bytes that are there, or pieces as they come.

use std::convert::Infallible;
use std::io::{self, Write};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::{Body as HttpBody, Frame, SizeHint};
use tokio::sync::mpsc;

/// Pieces that wait for a client.
const PIECES_MAX: usize = 4;
/// Bytes of a piece.
const PIECE_BYTES: usize = 32 << 10;
/// How long somebody who writes waits for the client to take what was written.
const TAKE_WAIT: Duration = Duration::from_secs(60);

/// The body of an answer.
pub(crate) enum Body {
    Whole(Option<Bytes>),
    Pieces(mpsc::Receiver<Bytes>),
}

impl Body {
    pub fn whole(bytes: impl Into<Bytes>) -> Self {
        Self::Whole(Some(bytes.into()))
    }

    pub fn empty() -> Self {
        Self::Whole(None)
    }
}

impl HttpBody for Body {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        match self.get_mut() {
            Self::Whole(bytes) => Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
            Self::Pieces(pieces) => pieces.poll_recv(context).map(|piece| piece.map(|piece| Ok(Frame::data(piece)))),
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, Self::Whole(None))
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(bytes) => SizeHint::with_exact(bytes.as_ref().map_or(0, |bytes| bytes.len() as u64)),
            Self::Pieces(_) => SizeHint::default(),
        }
    }
}

/// Where a blocking thread writes an answer piece by piece. Fails as soon as nobody takes it any more.
pub(crate) struct Pieces {
    sender: mpsc::Sender<Bytes>,
    buffer: Vec<u8>,
    handle: tokio::runtime::Handle,
}

impl Pieces {
    /// The two ends. To be made inside the runtime.
    pub fn new() -> (Self, Body) {
        let (sender, receiver) = mpsc::channel(PIECES_MAX);
        let pieces = Self { sender, buffer: Vec::with_capacity(PIECE_BYTES), handle: tokio::runtime::Handle::current() };
        (pieces, Body::Pieces(receiver))
    }

    fn send(&mut self) -> io::Result<()> {
        if self.buffer.is_empty() {
            return Ok(());
        }
        let piece = Bytes::from(std::mem::replace(&mut self.buffer, Vec::with_capacity(PIECE_BYTES)));
        let taken = self.handle.block_on(async { tokio::time::timeout(TAKE_WAIT, self.sender.send(piece)).await });
        match taken {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(io::ErrorKind::BrokenPipe.into()),
            Err(_) => Err(io::ErrorKind::TimedOut.into()),
        }
    }
}

impl Write for Pieces {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.buffer.extend_from_slice(bytes);
        if self.buffer.len() >= PIECE_BYTES {
            self.send()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.send()
    }
}
