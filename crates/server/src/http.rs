//! From a request to its answer.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Limited};
use hyper::body::{Body as _, Incoming};
use hyper::header;
use hyper::{Method, Request, Response, StatusCode};
use keizu_ledger::AsOf;
use keizu_ledger::access::Guest;
use tokio::sync::oneshot;
use tokio::time::timeout;

use crate::ask::Ask;
use crate::assets;
use crate::body::{Body, Pieces};
use crate::fault::Fault;
use crate::gate::{self, Knock};
use crate::log::{self, Line};
use crate::query::Query;
use crate::reply::{self, FOR_EVER, KEEP_NOT, Reply};
use crate::state::State;
use crate::table::{Go, ROUTES, Route, Tag, find};
use crate::tail::Standing;

/// Bytes of a body that is read.
const BODY_BYTES_MAX: usize = 16 << 10;
/// How long a body may take to come.
const BODY_WAIT: Duration = Duration::from_secs(10);
/// Bytes of an address.
const ADDRESS_BYTES_MAX: usize = 16 << 10;
/// Headers of a request, and their bytes.
const HEADERS_MAX: usize = 64;
const HEADERS_BYTES_MAX: usize = 32 << 10;

/// One end of a connection.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ends {
    pub peer: IpAddr,
    pub local: IpAddr,
}

/// Answers a request, counts it, and has it written down.
pub(crate) async fn answer(state: Arc<State>, ends: Ends, request: Request<Incoming>) -> Response<Body> {
    let begun = Instant::now();
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let mut asked = Asked { route: None, guest: None };
    let result = judge(&state, ends, request, &mut asked).await;
    let detail = result.as_ref().err().and_then(|fault| fault.detail.clone());
    let response = result.unwrap_or_else(|fault| reply::fault(&fault));
    let took = begun.elapsed();
    state.metrics.answered(asked.route, response.status().as_u16(), took);
    (state.log)(&Line {
        method: log::path(method.as_str()),
        path: log::path(&path),
        status: response.status().as_u16(),
        bytes: response.body().size_hint().exact(),
        took,
        peer: ends.peer,
        guest: asked.guest.map(|guest| guest.id),
        detail,
    });
    response
}

/// What is known of a request by the time it is answered.
struct Asked {
    route: Option<usize>,
    guest: Option<Guest>,
}

async fn judge(state: &Arc<State>, ends: Ends, request: Request<Incoming>, asked: &mut Asked) -> Result<Response<Body>, Fault> {
    let (head, body) = request.into_parts();
    if head.uri.path().len() + head.uri.query().map_or(0, str::len) > ADDRESS_BYTES_MAX {
        return Err(Fault::new(StatusCode::URI_TOO_LONG, "address", "the address is too long"));
    }
    let bytes: usize = head.headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
    if head.headers.len() > HEADERS_MAX || bytes > HEADERS_BYTES_MAX {
        let message = format!("a request has at most {HEADERS_MAX} headers of {HEADERS_BYTES_MAX} bytes in all");
        return Err(Fault::new(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, "headers", message));
    }
    let knock = Knock { peer: ends.peer, local: ends.local, method: &head.method, uri: &head.uri, headers: &head.headers };
    let api = head.uri.path().starts_with("/api/");
    let found = find(head.method.as_str(), head.uri.path());
    let page = matches!(found, Ok(None)) && !api;
    gate::address(&knock, &state.names, page).inspect_err(|fault| state.metrics.refused(fault.code))?;
    let home = knock.is_home();
    if !home && !state.requests.allows(ends.peer, true) {
        state.metrics.refused("rate");
        return Err(Fault::new(StatusCode::TOO_MANY_REQUESTS, "rate", "too many requests; wait a moment"));
    }
    let Some((at, parts)) = found? else {
        if api {
            return Err(Fault::missing("there is no such route; /api/v1/openapi.json lists all"));
        }
        if !matches!(head.method, Method::GET | Method::HEAD) {
            return Err(Fault::method("the page can only be read", vec!["GET".into()]));
        }
        return Ok(reply::asset(&head.headers, &assets::find(head.uri.path())));
    };
    asked.route = Some(at);
    let route = &ROUTES[at];
    if !route.open {
        asked.guest = come_in(state, &knock)?;
    }
    if body.size_hint().lower() > BODY_BYTES_MAX as u64 {
        return Err(Fault::new(StatusCode::PAYLOAD_TOO_LARGE, "body", format!("a body has at most {BODY_BYTES_MAX} bytes")));
    }
    let query = Query::read(head.uri.query().unwrap_or_default(), &route.known())?;
    match &route.go {
        Go::Ask(_) => {
            let question = Question { at, parts, query, headers: head.headers };
            ask(state, question).await
        }
        Go::Events => crate::answers::events::events(state, &query, &head.headers, asked.guest.clone()).await,
        Go::Health => Ok(text("ok\n")),
        Go::Ready if state.tail.standing().ready => Ok(text("ok\n")),
        Go::Ready => Err(Fault::no_record("asked whether it is ready")),
        Go::Metrics => {
            let standing = state.tail.standing();
            let text = state.metrics.text(standing.position, standing.ready);
            Ok(reply::whole(
                StatusCode::OK,
                "text/plain; version=0.0.4; charset=utf-8",
                KEEP_NOT,
                text.into(),
                reply::takes_gzip(&head.headers),
            ))
        }
        Go::Description => {
            let bytes = crate::describe::text();
            Ok(reply::whole(StatusCode::OK, reply::JSON, reply::ASK_AGAIN, bytes, reply::takes_gzip(&head.headers)))
        }
        Go::SignIn => sign_in(state, &knock, body).await,
        Go::SignOut => {
            let mut response = reply::response(StatusCode::NO_CONTENT, reply::JSON, KEEP_NOT, Body::empty());
            reply::set(&mut response, header::SET_COOKIE, &state.sessions.clear());
            Ok(response)
        }
    }
}

fn text(text: &'static str) -> Response<Body> {
    reply::response(StatusCode::OK, "text/plain; charset=utf-8", KEEP_NOT, Body::whole(text))
}

/// Whether somebody may ask. Who shows wrong tokens again and again waits.
fn come_in(state: &State, knock: &Knock<'_>) -> Result<Option<Guest>, Fault> {
    let shows = knock.headers.contains_key(header::AUTHORIZATION);
    if shows && !state.failures.allows(knock.peer, false) {
        state.metrics.refused("rate");
        return Err(Fault::new(StatusCode::TOO_MANY_REQUESTS, "rate", "too many wrong tokens; wait a while"));
    }
    let tokens = if knock.is_home() && !shows { keizu_ledger::access::Tokens::default() } else { state.tokens()? };
    let result = gate::guest(knock, &tokens, &state.sessions);
    if result.is_err() {
        state.metrics.refused("token");
        if shows {
            state.failures.allows(knock.peer, true);
        }
    }
    result
}

/// `{"token": "…"}` for a cookie. Only JSON: a form on a page elsewhere can't send that.
async fn sign_in(state: &State, knock: &Knock<'_>, body: Incoming) -> Result<Response<Body>, Fault> {
    let kind = knock.headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    if kind.split(';').next().map(str::trim) != Some(reply::JSON) {
        return Err(Fault::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "body", "send the token as application/json"));
    }
    if !state.failures.allows(knock.peer, false) {
        state.metrics.refused("rate");
        return Err(Fault::new(StatusCode::TOO_MANY_REQUESTS, "rate", "too many wrong tokens; wait a while"));
    }
    let read = timeout(BODY_WAIT, Limited::new(body, BODY_BYTES_MAX).collect()).await;
    let bytes = match read {
        Ok(Ok(body)) => body.to_bytes(),
        Ok(Err(_)) => return Err(Fault::new(StatusCode::PAYLOAD_TOO_LARGE, "body", "the body is too large, or broke off")),
        Err(_) => return Err(Fault::new(StatusCode::REQUEST_TIMEOUT, "body", "the body took too long")),
    };
    let sent: Option<serde_json::Value> = serde_json::from_slice(&bytes).ok();
    let token = sent.as_ref().and_then(|sent| sent.get("token")).and_then(serde_json::Value::as_str);
    let token = token.ok_or_else(|| Fault::wrong("body", "the body is {\"token\": \"…\"}"))?;
    let Some(guest) = state.tokens()?.check(token) else {
        state.failures.allows(knock.peer, true);
        state.metrics.refused("token");
        return Err(Fault::new(StatusCode::FORBIDDEN, "token", "the token is not known, or was revoked"));
    };
    let secure = knock.headers.get("x-forwarded-proto").is_some_and(|proto| proto == "https");
    let body = serde_json::json!({"id": guest.id, "scope": guest.scope}).to_string();
    let mut response = reply::whole(StatusCode::OK, reply::JSON, KEEP_NOT, body.into(), false);
    reply::set(&mut response, header::SET_COOKIE, &state.sessions.set(&guest.id, secure));
    Ok(response)
}

/// A question to the record.
struct Question {
    at: usize,
    parts: Vec<String>,
    query: Query,
    headers: header::HeaderMap,
}

/// The tag under which an answer is kept.
fn tag(standing: &Standing, question: &Question) -> String {
    let route = &ROUTES[question.at];
    let text = format!(
        "{}\n{}\n{}\n{}\n{:?}\n{}",
        env!("CARGO_PKG_VERSION"),
        standing.store,
        standing.position,
        route.name,
        question.parts,
        question.query.canonical()
    );
    reply::tag(text.as_bytes())
}

async fn ask(state: &Arc<State>, question: Question) -> Result<Response<Body>, Fault> {
    let route: &Route = &ROUTES[question.at];
    let standing = state.tail.standing();
    if !standing.ready && !standing.store.is_empty() {
        return Err(Fault::no_record("the follower can't read it"));
    }
    let asked = standing.ready.then(|| tag(&standing, &question));
    let known = match route.tag {
        Tag::Record => asked.clone(),
        Tag::Layout => asked.as_deref().and_then(|asked| state.pictures.tag(asked)),
        Tag::Content | Tag::None => None,
    };
    if let Some(tag) = known.as_deref().filter(|tag| reply::has(&question.headers, tag)) {
        return Ok(at(reply::unchanged(tag, reply::ASK_AGAIN), standing.position));
    }
    let permit = state.lanes.enter(route.cost).await?;
    let (sender, receiver) = oneshot::channel();
    let (shared, gzip) = (Arc::clone(state), reply::takes_gzip(&question.headers));
    let handle = tokio::runtime::Handle::current();
    tokio::task::spawn_blocking(move || {
        let _inside = handle.enter();
        let _permit = permit;
        work(&shared, question, asked, gzip, sender);
    });
    match timeout(route.cost.bound(), receiver).await {
        Ok(Ok(result)) => result,
        Ok(Err(_)) => Err(Fault::failed("the question ended in a panic")),
        Err(_) => Err(Fault::new(StatusCode::SERVICE_UNAVAILABLE, "slow", "the answer takes too long; ask for less")),
    }
}

/// Says where the record stood when the question came, so that a page knows whether it has missed an event.
fn at(mut response: Response<Body>, position: u64) -> Response<Body> {
    reply::set(&mut response, header::HeaderName::from_static("keizu-seq"), &position.to_string());
    response
}

type Head = oneshot::Sender<Result<Response<Body>, Fault>>;

/// Answers on a thread that may wait.
fn work(state: &State, question: Question, asked: Option<String>, gzip: bool, head: Head) {
    let route = &ROUTES[question.at];
    let Go::Ask(go) = &route.go else { return };
    let ask = match begin(state, &question) {
        Ok(ask) => ask,
        Err(fault) => return drop(head.send(Err(fault))),
    };
    let position = ask.standing.position;
    let reply = match go(&ask) {
        Ok(reply) => reply,
        Err(fault) => return drop(head.send(Err(fault))),
    };
    let caching = match (ask.as_of(), route.tag) {
        (_, Tag::None) => KEEP_NOT,
        (Some(AsOf::Entries(_)), Tag::Record | Tag::Layout) => FOR_EVER,
        _ => reply::ASK_AGAIN,
    };
    let (kind, stream, name) = match reply {
        Reply::Json(value) => {
            let bytes = Bytes::from(value.to_string());
            let tag = match route.tag {
                Tag::Record => asked,
                Tag::Content => Some(reply::tag(&bytes)),
                Tag::Layout | Tag::None => None,
            };
            return drop(head.send(Ok(at(whole(&question, caching, bytes, tag.as_deref(), gzip), position))));
        }
        Reply::Tagged(text, tag) => {
            if let Some(asked) = asked {
                state.pictures.remember(asked, tag.clone());
            }
            return drop(head.send(Ok(at(whole(&question, caching, text.into(), Some(&tag), gzip), position))));
        }
        Reply::Download(name, stream) => ("application/octet-stream", stream, Some(name)),
        Reply::Lines(stream) => (reply::LINES, stream, None),
    };
    let (mut pieces, body) = Pieces::new();
    let mut response = reply::response(StatusCode::OK, kind, KEEP_NOT, body);
    if let Some(name) = name {
        reply::set(&mut response, header::CONTENT_DISPOSITION, &attachment(&name));
    }
    if head.send(Ok(at(response, position))).is_ok() {
        // who asked may have gone away meanwhile: then there is nobody to tell
        let _ = stream(&ask, &mut pieces).and_then(|()| std::io::Write::flush(&mut pieces));
    }
}

fn begin<'a>(state: &'a State, question: &Question) -> Result<Ask<'a>, Fault> {
    let mut ask = Ask {
        state,
        ledger: state.pool.lend()?,
        path: question.parts.clone(),
        query: question.query.clone(),
        standing: state.tail.standing(),
        now: jiff::ZonedDateTime::now(),
    };
    if !ask.standing.ready {
        // the follower has not looked yet
        ask.standing.position = ask.ledger.position()?;
    }
    ask.look_back()?;
    Ok(ask)
}

fn whole(question: &Question, caching: &'static str, bytes: Bytes, tag: Option<&str>, gzip: bool) -> Response<Body> {
    if let Some(tag) = tag.filter(|tag| reply::has(&question.headers, tag)) {
        return reply::unchanged(tag, caching);
    }
    let mut response = reply::whole(StatusCode::OK, reply::JSON, caching, bytes, gzip);
    if let Some(tag) = tag {
        reply::set(&mut response, header::ETAG, tag);
    }
    response
}

/// To be saved, never shown: under the name that it has, as far as a header can say it.
fn attachment(name: &str) -> String {
    use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
    let plain: String = name.chars().map(|char| if char.is_ascii_alphanumeric() || "._-".contains(char) { char } else { '_' }).collect();
    format!("attachment; filename=\"{plain}\"; filename*=UTF-8''{}", utf8_percent_encode(name, NON_ALPHANUMERIC))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_saved_under_its_name_whatever_that_is() {
        assert_eq!(attachment("a.csv"), "attachment; filename=\"a.csv\"; filename*=UTF-8''a%2Ecsv");
        let odd = attachment("日\"\r\nset-cookie: x");
        assert!(!odd.contains('\n') && odd.starts_with("attachment; filename=\"____set-cookie__x\""), "{odd}");
    }
}
