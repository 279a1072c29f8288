//! Lets others in: the native API, the page, and who may read them.
//!
//! ```text
//!  connection ──► gate ──► table ──► lane ──► handler ──► Ledger, View          (blocking threads; the core is synchronous)
//!  (http)         who may   which     how many   │
//!                 come in   route     at once    └──► Reply: whole (ETag, gzip) or streamed
//!
//!  tail: a thread that follows the record ──► position, index in memory, events
//! ```
//!
//! Every answer is the one that the command line gives, by the same code below. Nothing here prints: what is worth saying is handed to a [`Log`].
//!
//! ```no_run
//! # fn main() -> Result<(), keizu_server::Error> {
//! let home = keizu_ledger::Home::find(std::path::Path::new("."))?.expect("a record");
//! let settings = keizu_server::Settings::new(home, "127.0.0.1:4760".parse().expect("an address"), [7; 32]);
//! let server = keizu_server::Server::bind(settings)?;
//! let stop = server.stop();
//! std::thread::spawn(move || { /* on a signal */ stop.now() });
//! server.run()
//! # }
//! ```
#![forbid(unsafe_code)]

mod answers;
mod ask;
mod assets;
mod body;
mod describe;
mod fault;
mod gate;
mod http;
mod lane;
mod log;
mod metrics;
mod patient;
mod pool;
mod query;
mod reply;
mod server;
mod session;
mod state;
mod table;
mod tail;

pub use ask::page;
pub use log::{Line, Log};
pub use server::{Server, Settings, Stop};

/// What kept the server from starting or from going on.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The address can't be listened on.
    #[error("can't listen on {address}: {source}")]
    Listen {
        /// Which.
        address: std::net::SocketAddr,
        /// Why not.
        source: std::io::Error,
    },
    /// Others than this machine may knock, and nobody has a token.
    #[error("{0} can be reached from other machines, and there is no token that would let anybody in")]
    NoToken(std::net::SocketAddr),
    /// Threads or sockets.
    #[error("the server can't start: {0}")]
    Start(#[from] std::io::Error),
    /// The record.
    #[error(transparent)]
    Ledger(#[from] keizu_ledger::Error),
}
