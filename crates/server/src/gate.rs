//! Who may come in. Asked of every request before anything else is done for it.
//!
//! 1. *Host*: the name in the address bar must be one of ours. A page elsewhere whose own name was pointed at this machine (DNS rebinding) comes with
//!    that name.
//! 2. *Origin* and *Sec-Fetch-Site*: a page of another origin may link here; it may not ask here.
//! 3. *Token*: who comes over loopback is at home. Anybody else, and whoever was let through by a proxy, shows a token or the cookie that it was
//!    traded for.

use std::net::IpAddr;

use hyper::header::{self, HeaderMap, HeaderName};
use hyper::http::uri::Authority;
use hyper::{Method, StatusCode, Uri};
use keizu_ledger::access::{Guest, Tokens};

use crate::fault::Fault;
use crate::session::Sessions;

/// Headers by which proxies say for whom they ask.
const FORWARDED: &[&str] = &["forwarded", "x-forwarded-for", "x-real-ip", "x-forwarded-host", "via"];

/// A request, as far as the gate looks at it.
pub(crate) struct Knock<'a> {
    pub peer: IpAddr,
    /// The address of ours at which it arrived.
    pub local: IpAddr,
    pub method: &'a Method,
    pub uri: &'a Uri,
    pub headers: &'a HeaderMap,
}

impl Knock<'_> {
    fn text(&self, name: impl Into<HeaderName>) -> Result<Option<&str>, Fault> {
        let name = name.into();
        let mut values = self.headers.get_all(&name).iter();
        let Some(first) = values.next() else { return Ok(None) };
        if values.next().is_some() {
            return Err(Fault::wrong("header", format!("the header {name} is given more than once")));
        }
        first.to_str().map(Some).map_err(|_| Fault::wrong("header", format!("the header {name} is no text")))
    }

    /// Whether it comes from this machine itself, and for nobody else.
    pub fn is_home(&self) -> bool {
        let forwarded = FORWARDED.iter().any(|name| self.headers.contains_key(*name));
        self.peer.to_canonical().is_loopback() && self.local.to_canonical().is_loopback() && !forwarded
    }

    /// Whether a browser opens a page with it, as against asking from within one.
    fn is_visit(&self) -> bool {
        let is = |name: &'static str, wanted: &str| self.headers.get(name).is_some_and(|value| value == wanted);
        *self.method == Method::GET && is("sec-fetch-mode", "navigate") && is("sec-fetch-dest", "document")
    }
}

/// Whether the request came to the right house, and from within it. `page`: it asks for the page or what belongs to it, not for data.
pub(crate) fn address(knock: &Knock<'_>, names: &[String], page: bool) -> Result<(), Fault> {
    let misdirected = |message: String| Fault::new(StatusCode::MISDIRECTED_REQUEST, "host", message);
    let host = knock.text(header::HOST)?.ok_or_else(|| misdirected("the request names no host".to_owned()))?;
    let authority = authority(host).ok_or_else(|| misdirected("the host's name is none".to_owned()))?;
    if let Some(other) = knock.uri.authority()
        && !other.as_str().eq_ignore_ascii_case(host)
    {
        return Err(misdirected("the request names two hosts".to_owned()));
    }
    if !is_ours(authority.host(), knock.local, names) {
        return Err(misdirected("this server does not answer for that host; start it with --host NAME if it should".to_owned()));
    }
    let foreign = |message: &str| Fault::new(StatusCode::FORBIDDEN, "origin", message);
    if let Some(origin) = knock.text(header::ORIGIN)? {
        let here = origin.split_once("://").filter(|(scheme, _)| matches!(*scheme, "http" | "https")).map(|(_, rest)| rest);
        if !here.is_some_and(|here| here.eq_ignore_ascii_case(host)) {
            return Err(foreign("a page of another origin may not ask here"));
        }
    }
    match knock.text(HeaderName::from_static("sec-fetch-site"))? {
        None | Some("same-origin" | "none") => Ok(()),
        Some(_) if page && knock.is_visit() => Ok(()),
        Some(_) => Err(foreign("a page of another origin may not ask here")),
    }
}

fn authority(host: &str) -> Option<Authority> {
    host.parse::<Authority>().ok().filter(|authority| !authority.as_str().contains('@') && !authority.host().is_empty())
}

fn is_ours(host: &str, local: IpAddr, names: &[String]) -> bool {
    if names.iter().any(|name| name.eq_ignore_ascii_case(host)) {
        return true;
    }
    let local = local.to_canonical();
    let literal = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(host);
    match literal.parse::<IpAddr>() {
        Ok(address) if local.is_loopback() => address.to_canonical().is_loopback(),
        Ok(address) => address.to_canonical() == local,
        Err(_) => local.is_loopback() && host.eq_ignore_ascii_case("localhost"),
    }
}

/// Who asks: nobody in particular when at home.
pub(crate) fn guest(knock: &Knock<'_>, tokens: &Tokens, sessions: &Sessions) -> Result<Option<Guest>, Fault> {
    let refused = |message: &str| Fault::new(StatusCode::UNAUTHORIZED, "token", message);
    if let Some(text) = knock.text(header::AUTHORIZATION)? {
        // who shows a token is judged by it, at home as well
        let (scheme, token) = text.split_once(' ').unwrap_or((text, ""));
        let shown = if scheme.eq_ignore_ascii_case("bearer") { tokens.check(token) } else { None };
        return shown.map(Some).ok_or_else(|| refused("the token is not known, or was revoked"));
    }
    if knock.is_home() {
        return Ok(None);
    }
    match sessions.cookie(knock.headers) {
        Some(cookie) => {
            let guest = sessions.open(&cookie).and_then(|id| tokens.guest(&id));
            guest.map(Some).ok_or_else(|| refused("the session is over: sign in again"))
        }
        None => Err(refused("a token is needed: `keizu token new --read` makes one, where the record is")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hyper::header::HeaderValue;

    fn judge(local: &str, page: bool, headers: &[(&'static str, &str)], names: &[String]) -> Result<(), &'static str> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, HeaderValue::from_str(value).unwrap());
        }
        let local = local.parse().unwrap();
        let uri = Uri::from_static("/api/v1/home");
        let knock = Knock { peer: local, local, method: &Method::GET, uri: &uri, headers: &map };
        address(&knock, names, page).map_err(|fault| fault.code)
    }

    #[test]
    fn only_our_own_names_are_answered() {
        for host in ["127.0.0.1:4760", "localhost:4760", "LOCALHOST", "[::1]:4760", "127.9.9.9", "localhost:9999"] {
            assert_eq!(judge("127.0.0.1", false, &[("host", host)], &[]), Ok(()), "{host}");
        }
        for host in
            ["evil.example", "evil.example:4760", "127.0.0.1.nip.io", "localhost.evil.example", "10.0.0.1", "a@localhost", "", "x y"]
        {
            assert!(judge("127.0.0.1", false, &[("host", host)], &[]).is_err(), "{host}");
        }
        assert_eq!(judge("127.0.0.1", false, &[], &[]), Err("host"));
        assert_eq!(judge("127.0.0.1", false, &[("host", "localhost"), ("host", "localhost")], &[]), Err("header"));
        assert_eq!(judge("10.0.0.5", false, &[("host", "10.0.0.5:4760")], &[]), Ok(()));
        assert_eq!(judge("10.0.0.5", false, &[("host", "localhost")], &[]), Err("host"));
        assert_eq!(judge("10.0.0.5", false, &[("host", "models.lab:4760")], &["models.lab".to_owned()]), Ok(()));
    }

    #[test]
    fn a_page_elsewhere_may_link_and_not_ask() {
        let host = ("host", "localhost:4760");
        let with = |page, more: &[(&'static str, &str)]| judge("127.0.0.1", page, &[&[host], more].concat(), &[]);
        assert_eq!(with(false, &[("origin", "http://localhost:4760")]), Ok(()));
        for origin in ["http://evil.example", "null", "http://localhost:4761", "http://localhost", "file://", "localhost:4760"] {
            assert_eq!(with(false, &[("origin", origin)]), Err("origin"), "{origin}");
            assert_eq!(with(true, &[("origin", origin)]), Err("origin"), "{origin}");
        }
        for site in ["cross-site", "same-site", "odd"] {
            assert_eq!(with(false, &[("sec-fetch-site", site)]), Err("origin"));
            assert_eq!(with(true, &[("sec-fetch-site", site)]), Err("origin"));
            let visit = [("sec-fetch-site", site), ("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "document")];
            assert_eq!(with(true, &visit), Ok(()));
            assert_eq!(with(false, &visit), Err("origin"));
            let framed = [("sec-fetch-site", site), ("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "iframe")];
            assert_eq!(with(true, &framed), Err("origin"));
        }
        assert_eq!(with(false, &[("sec-fetch-site", "same-origin")]), Ok(()));
        assert_eq!(with(false, &[("sec-fetch-site", "none")]), Ok(()));
    }

    #[test]
    fn who_is_let_through_by_a_proxy_is_not_at_home() {
        let here: IpAddr = "127.0.0.1".parse().unwrap();
        let sessions = Sessions::new([1; 32], "keizu_x".into());
        let mut headers = HeaderMap::new();
        let uri = Uri::from_static("/");
        let ask = |headers: &HeaderMap, peer: IpAddr| {
            let knock = Knock { peer, local: here, method: &Method::GET, uri: &uri, headers };
            guest(&knock, &Tokens::default(), &sessions).map_err(|fault| fault.status)
        };
        assert_eq!(ask(&headers, here), Ok(None));
        assert_eq!(ask(&headers, "10.0.0.9".parse().unwrap()), Err(StatusCode::UNAUTHORIZED));
        assert_eq!(ask(&headers, "::ffff:127.0.0.1".parse().unwrap()), Ok(None));
        headers.insert("x-forwarded-for", HeaderValue::from_static("10.0.0.9"));
        assert_eq!(ask(&headers, here), Err(StatusCode::UNAUTHORIZED));
        headers.clear();
        headers.insert("authorization", HeaderValue::from_static("Bearer keizu_nothing"));
        assert_eq!(ask(&headers, here), Err(StatusCode::UNAUTHORIZED));
    }
}
