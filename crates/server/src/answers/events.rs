//! What is being recorded, as it is: server-sent events. Who comes back says what he heard last, and hears the rest.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use bytes::Bytes;
use hyper::header::HeaderMap;
use hyper::{Response, StatusCode, header};
use keizu_ledger::access::Guest;
use serde_json::json;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::body::Body;
use crate::fault::Fault;
use crate::lane::Cost;
use crate::query::Query;
use crate::reply::{self, KEEP_NOT};
use crate::state::State;
use crate::tail::{ENTRIES_MAX, event, events as rendered};

/// Silence is broken after this long, so that nothing between here and there takes the connection for dead.
const BEAT: Duration = Duration::from_secs(15);
/// Listeners at once.
const LISTENERS_MAX: u64 = 256;
/// Who missed more is told to ask for everything anew.
const MISSED_MAX: u64 = 20_000;
/// Pieces that wait for a slow listener, and how long they do.
const PIECES_MAX: usize = 8;
const TAKE_WAIT: Duration = Duration::from_secs(30);

/// Begins to tell.
pub(crate) async fn events(state: &Arc<State>, query: &Query, headers: &HeaderMap, guest: Option<Guest>) -> Result<Response<Body>, Fault> {
    let last = headers.get("last-event-id").and_then(|id| id.to_str().ok()).and_then(|id| id.trim().parse::<u64>().ok());
    let since = last.or(query.number("since")?);
    if state.metrics.listeners.fetch_add(1, Relaxed) >= LISTENERS_MAX {
        state.metrics.listeners.fetch_sub(1, Relaxed);
        return Err(Fault::busy());
    }
    let (sender, receiver) = mpsc::channel(PIECES_MAX);
    let state = Arc::clone(state);
    tokio::spawn(async move {
        Teller { state: Arc::clone(&state), sender, guest }.tell(since).await;
        state.metrics.listeners.fetch_sub(1, Relaxed);
    });
    let mut response = reply::response(StatusCode::OK, "text/event-stream; charset=utf-8", KEEP_NOT, Body::Pieces(receiver));
    response.headers_mut().insert("x-accel-buffering", header::HeaderValue::from_static("no"));
    Ok(response)
}

struct Teller {
    state: Arc<State>,
    sender: mpsc::Sender<Bytes>,
    /// Who listens, when he showed a token.
    guest: Option<Guest>,
}

impl Teller {
    /// Tells until nobody listens any more, or the server ends.
    async fn tell(&self, since: Option<u64>) {
        // first the ear, then the past: nothing falls between them
        let mut news = self.state.tail.listen();
        let standing = self.state.tail.standing();
        let mut heard = since.unwrap_or(standing.position).min(standing.position);
        // its number is where the record stood: whoever was answered at no less has missed nothing, and comes back from there
        let hello = format!("retry: 2000\n: keizu\n\n{}", as_text(&event(Some(heard), "running", &json!(*standing.running))));
        if !self.send(hello.into()).await || !self.catch_up(&mut heard).await {
            return;
        }
        loop {
            let piece = match timeout(BEAT, news.recv()).await {
                Err(_) => Bytes::from_static(b": still here\n\n"),
                Ok(Err(RecvError::Closed)) => return,
                Ok(Err(RecvError::Lagged(_))) => {
                    if !self.catch_up(&mut heard).await {
                        return;
                    }
                    continue;
                }
                Ok(Ok(told)) => match told.seq {
                    Some(seq) if seq <= heard => continue,
                    Some(seq) => {
                        heard = seq;
                        told.text
                    }
                    None => told.text,
                },
            };
            if !self.may_hear() || !self.send(piece).await || self.state.tail.is_over() {
                return;
            }
        }
    }

    /// Whether the token still holds with which he came.
    fn may_hear(&self) -> bool {
        self.guest.as_ref().is_none_or(|guest| self.state.tokens().is_ok_and(|tokens| tokens.guest(&guest.id).is_some()))
    }

    async fn send(&self, piece: Bytes) -> bool {
        matches!(timeout(TAKE_WAIT, self.sender.send(piece)).await, Ok(Ok(())))
    }

    /// Tells what was recorded after what was heard last.
    async fn catch_up(&self, heard: &mut u64) -> bool {
        let upto = self.state.tail.standing().position;
        if upto.saturating_sub(*heard) > MISSED_MAX {
            *heard = upto;
            return self.send(event(Some(upto), "reset", &json!({"seq": upto}))).await;
        }
        while *heard < upto {
            let Ok(permit) = self.state.lanes.enter(Cost::Light).await else { return false };
            let (state, after) = (Arc::clone(&self.state), *heard);
            let read = tokio::task::spawn_blocking(move || {
                let _permit = permit;
                let entries = state.pool.lend().and_then(|ledger| ledger.tail(after, ENTRIES_MAX)).ok()?;
                Some((entries.last()?.position, rendered(&entries)))
            });
            let Ok(Some((last, text))) = read.await else { break };
            *heard = last;
            if !self.send(text).await {
                return false;
            }
        }
        true
    }
}

fn as_text(bytes: &Bytes) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
