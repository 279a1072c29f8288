//! Listening: connections, their limits, and the end.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioTimer;
use hyper_util::server::graceful::GracefulShutdown;
use keizu_ledger::access::Tokens;
use keizu_ledger::{Home, Surroundings};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::sync::{Semaphore, watch};
use tokio::time::timeout;

use crate::Error;
use crate::http::{self, Ends};
use crate::lane;
use crate::log::Log;
use crate::patient::Patient;
use crate::pool::Pool;
use crate::session::Sessions;
use crate::state::State;
use crate::tail::{self, Tail};

/// Threads that carry connections.
const CARRIERS: usize = 2;
/// How long a client may take to say what it wants, or stay without asking.
const HEAD_WAIT: Duration = Duration::from_secs(20);
/// How long a client may take no byte of what it asked for.
const WRITE_WAIT: Duration = Duration::from_secs(30);
/// Bytes and lines of a head that are read at all: more than are taken, so that who sends too much is told so, and not only hung up on.
const HEAD_BYTES_READ: usize = 128 << 10;
const HEADERS_READ: usize = 256;
/// Answers that were begun have this long to end when the server stops.
const DRAIN_WAIT: Duration = Duration::from_secs(5);

/// What to serve, and where.
pub struct Settings {
    /// The record.
    pub home: Home,
    /// The address.
    pub listen: SocketAddr,
    /// Names under which the server is reached, beside its addresses.
    pub names: Vec<String>,
    /// 32 random bytes, from which cookies are made.
    pub secret: [u8; 32],
    /// Connections at once.
    pub connections_max: usize,
    /// Who is told of each request.
    pub log: Box<Log>,
    /// What a step that is run again would find around it.
    pub here: Surroundings,
}

impl Settings {
    /// The usual ones; nobody is told.
    pub fn new(home: Home, listen: SocketAddr, secret: [u8; 32]) -> Self {
        Self { home, listen, names: Vec::new(), secret, connections_max: 2_048, log: Box::new(|_| {}), here: Surroundings::default() }
    }
}

/// Ends a server, from any thread.
#[derive(Debug, Clone)]
pub struct Stop(watch::Sender<bool>);

impl Stop {
    /// Takes no new connection, lets answers that were begun come to their end, and then returns from [`Server::run`].
    pub fn now(&self) {
        self.0.send_replace(true);
    }
}

/// A server that listens.
pub struct Server {
    state: Arc<State>,
    runtime: Runtime,
    listener: TcpListener,
    address: SocketAddr,
    connections_max: usize,
    stop: Stop,
}

impl Server {
    /// Opens the record, and listens. Requests wait until [`Server::run`].
    ///
    /// # Errors
    /// When the record can't be read, the address is taken, or others could knock and nobody has a token.
    pub fn bind(settings: Settings) -> Result<Self, Error> {
        let Settings { home, listen, names, secret, connections_max, log, here } = settings;
        if !listen.ip().is_loopback() && Tokens::load(&home)?.is_empty() {
            return Err(Error::NoToken(listen));
        }
        let pool = Pool::new(home);
        let store = tail::first(&pool)?;
        let cookie = format!("keizu_{}", &blake3::hash(store.as_bytes()).to_hex()[..8]);
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(CARRIERS)
            .max_blocking_threads(lane::LIGHT_MAX + lane::HEAVY_MAX + 4)
            .thread_name("keizu-serve")
            .enable_all()
            .build()?;
        let bound = std::net::TcpListener::bind(listen).map_err(|source| Error::Listen { address: listen, source })?;
        bound.set_nonblocking(true)?;
        let address = bound.local_addr()?;
        let inside = runtime.enter();
        let listener = TcpListener::from_std(bound)?;
        drop(inside);
        let state = Arc::new(State::new(pool, Tail::new(), Sessions::new(secret, cookie), names, log, here));
        Ok(Self { state, runtime, listener, address, connections_max, stop: Stop(watch::Sender::new(false)) })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What ends it.
    pub fn stop(&self) -> Stop {
        self.stop.clone()
    }

    /// Serves until it is stopped.
    ///
    /// # Errors
    /// When a thread can't be made.
    pub fn run(self) -> Result<(), Error> {
        let Self { state, runtime, listener, connections_max, stop, .. } = self;
        let following = Arc::clone(&state);
        let follower = std::thread::Builder::new().name("keizu-follow".to_owned()).spawn(move || tail::follow(&following))?;
        runtime.block_on(accept(&state, &listener, connections_max, &stop));
        state.tail.stop();
        let _ = follower.join();
        // a question that still reads is let go: it only reads
        runtime.shutdown_timeout(Duration::from_millis(200));
        Ok(())
    }
}

async fn accept(state: &Arc<State>, listener: &TcpListener, connections_max: usize, stop: &Stop) {
    let graceful = GracefulShutdown::new();
    let places = Arc::new(Semaphore::new(connections_max));
    let mut over = stop.0.subscribe();
    loop {
        let next = either(listener.accept(), over.wait_for(|over| *over)).await;
        let (stream, peer) = match next {
            None => break,
            Some(Ok(accepted)) => accepted,
            // no descriptor is left: some connection will end
            Some(Err(_)) => {
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            }
        };
        let Ok(place) = Arc::clone(&places).try_acquire_owned() else {
            state.metrics.refused("crowd");
            continue;
        };
        let Ok(local) = stream.local_addr() else { continue };
        let ends = Ends { peer: peer.ip(), local: local.ip() };
        let _ = stream.set_nodelay(true);
        let shared = Arc::clone(state);
        let service = service_fn(move |request| -> Served {
            let state = Arc::clone(&shared);
            Box::pin(async move { Ok(http::answer(state, ends, request).await) })
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEAD_WAIT)
            .max_buf_size(HEAD_BYTES_READ)
            .max_headers(HEADERS_READ)
            .serve_connection(Patient::new(stream, WRITE_WAIT), service);
        let (watched, state) = (graceful.watch(connection), Arc::clone(state));
        tokio::spawn(async move {
            state.metrics.connections.fetch_add(1, Relaxed);
            let _ = watched.await;
            state.metrics.connections.fetch_sub(1, Relaxed);
            drop(place);
        });
    }
    state.tail.stop();
    let _ = timeout(DRAIN_WAIT, graceful.shutdown()).await;
}

type Served = std::pin::Pin<Box<dyn Future<Output = Result<hyper::Response<crate::body::Body>, std::convert::Infallible>> + Send>>;

/// The first value, unless the second future ends before it.
async fn either<T>(first: impl Future<Output = T>, second: impl Future) -> Option<T> {
    let (mut first, mut second) = (std::pin::pin!(first), std::pin::pin!(second));
    std::future::poll_fn(|context| {
        if second.as_mut().poll(context).is_ready() {
            return std::task::Poll::Ready(None);
        }
        first.as_mut().poll(context).map(Some)
    })
    .await
}
