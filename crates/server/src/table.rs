//! Every route: the one list from which requests are answered, described (OpenAPI) and counted.

use crate::answers::{closure, graph, home, impact, lists, record, search, status, things, why};
use crate::ask::Ask;
use crate::fault::Fault;
use crate::lane::Cost;
use crate::query::segment;
use crate::reply::Reply;

/// Who answers.
pub(crate) enum Go {
    /// A question to the record, on a thread that may wait.
    Ask(fn(&Ask<'_>) -> Result<Reply, Fault>),
    /// What is being recorded, as it is.
    Events,
    /// Whether the server lives.
    Health,
    /// Whether it can answer.
    Ready,
    /// Its counters.
    Metrics,
    /// The description of all routes.
    Description,
    /// Trades a token for a cookie.
    SignIn,
    /// Takes the cookie away.
    SignOut,
}

/// What tells that an answer is still the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tag {
    /// It hangs on the record alone: as long as nothing was appended it is the same.
    Record,
    /// On what the picture shows: what was appended elsewhere changes nothing.
    Layout,
    /// On the clock and the disk as well: it is made, and then compared.
    Content,
    /// It is never kept.
    None,
}

/// One parameter of a query.
pub(crate) struct Param {
    pub name: &'static str,
    /// Its schema: see `describe`.
    pub kind: Kind,
    pub need: bool,
    pub about: &'static str,
}

/// What a parameter is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Text,
    Thing,
    Moment,
    Count,
    Steps,
    Flag,
    Words,
}

/// One route.
pub(crate) struct Route {
    pub method: &'static str,
    pub path: &'static str,
    /// Its name in counters and in the description.
    pub name: &'static str,
    pub about: &'static str,
    pub params: &'static [Param],
    /// Whether it can be asked as of a moment.
    pub past: bool,
    pub cost: Cost,
    pub tag: Tag,
    /// Whether it is answered without a look at who asks.
    pub open: bool,
    pub go: Go,
}

/// A parameter that may be left out.
pub(crate) const fn optional(name: &'static str, kind: Kind, about: &'static str) -> Param {
    Param { name, kind, need: false, about }
}

/// A parameter that must be given.
pub(crate) const fn needed(name: &'static str, kind: Kind, about: &'static str) -> Param {
    Param { name, kind, need: true, about }
}

const LIMIT: Param = optional("limit", Kind::Count, "How many at most");
const AFTER: Param = optional("after", Kind::Text, "Go on after this one: the `next` of the answer before");

/// Parameters of every route that can be asked as of a moment.
pub(crate) const PAST: &[Param] = &[
    optional(
        "as_of",
        Kind::Moment,
        "As of a moment: a time (what had happened by then), run:ID, or a number of entries (what the record said then)",
    ),
    optional("known", Kind::Moment, "What the record said at a time, or with so many entries"),
];

const fn ask(
    path: &'static str,
    name: &'static str,
    about: &'static str,
    params: &'static [Param],
    go: fn(&Ask<'_>) -> Result<Reply, Fault>,
) -> Route {
    Route { method: "GET", path, name, about, params, past: true, cost: Cost::Light, tag: Tag::Record, open: false, go: Go::Ask(go) }
}

const fn own(method: &'static str, path: &'static str, name: &'static str, about: &'static str, open: bool, go: Go) -> Route {
    Route { method, path, name, about, params: &[], past: false, cost: Cost::Light, tag: Tag::None, open, go }
}

/// All of them.
pub(crate) static ROUTES: &[Route] = &[
    Route {
        tag: Tag::Content,
        ..ask("/api/v1/home", "home", "What there is, what needs a look, and what runs now", &[LIMIT, AFTER], home::home)
    },
    ask("/api/v1/models", "models", "All models, each with its newest version", &[LIMIT, AFTER], lists::models),
    ask("/api/v1/runs", "runs", "What ran, newest first", &[LIMIT, AFTER], lists::runs),
    ask("/api/v1/data", "data", "All named datasets, each with its newest version", &[LIMIT, AFTER], lists::data),
    Route { tag: Tag::Content, ..ask("/api/v1/things/{thing}", "thing", "Everything about one thing", THING, things::thing) },
    Route {
        tag: Tag::Content,
        ..ask(
            "/api/v1/things/{thing}/preview",
            "preview",
            "The first rows, or the beginning of the text, of what a thing holds",
            &[],
            things::preview,
        )
    },
    ask("/api/v1/things/{thing}/members", "members", "The files of a folder, by their names", &[LIMIT, AFTER], things::members),
    ask("/api/v1/things/{thing}/versions", "versions", "All versions of a model or a dataset", &[LIMIT, AFTER], things::versions),
    Route {
        tag: Tag::None,
        cost: Cost::Heavy,
        ..ask("/api/v1/things/{thing}/content", "content", "What a thing holds, to be saved", &[], things::content)
    },
    Route { tag: Tag::Layout, ..ask("/api/v1/graph", "graph", "The picture of a thing's family tree", graph::PARAMS, graph::graph) },
    Route {
        past: false,
        tag: Tag::None,
        ..ask("/api/v1/graph/{layout}/names", "names", "Names of what stands in a part of a large picture", graph::NAMES, graph::names)
    },
    ask("/api/v1/trace", "trace", "What made a thing, or what was made from it", graph::TRACE, graph::trace),
    Route {
        past: false,
        ..ask(
            "/api/v1/closure",
            "closure",
            "All that made a thing, or all that it touches: how many, the bare graph, and a page of them",
            closure::PARAMS,
            closure::closure,
        )
    },
    Route { cost: Cost::Heavy, ..ask("/api/v1/why", "why", "Why a thing is not what it was", why::PARAMS, why::why) },
    Route { tag: Tag::None, cost: Cost::Heavy, ..ask("/api/v1/impact", "impact", "What a thing touches", impact::PARAMS, impact::impact) },
    Route {
        tag: Tag::Content,
        cost: Cost::Heavy,
        ..ask("/api/v1/status", "status", "How things stand to what is there now", status::STATUS, status::status)
    },
    Route {
        past: false,
        tag: Tag::Content,
        cost: Cost::Heavy,
        ..ask("/api/v1/plan", "plan", "What would be run to make things fresh, and why", status::PLAN, status::plan)
    },
    ask("/api/v1/search", "search", "Things by their names, the best first", search::PARAMS, search::search),
    Route {
        past: false,
        ..ask("/api/v1/record", "record", "How the record stands: logs, checkpoints, who signed them", &[], record::record)
    },
    Route { past: false, ..ask("/api/v1/record/{seq}", "entry", "One entry of the record", &[], record::entry) },
    Route {
        past: false,
        cost: Cost::Heavy,
        ..ask("/api/v1/record/{seq}/proof", "proof", "That an entry is in its log", &[], record::proof)
    },
    Route {
        past: false,
        tag: Tag::None,
        cost: Cost::Heavy,
        ..ask(
            "/api/v1/record/verify",
            "verify",
            "Checks the whole record; tells how far it is, then what was found",
            record::VERIFY,
            record::verify,
        )
    },
    Route {
        method: "POST",
        past: false,
        tag: Tag::None,
        cost: Cost::Heavy,
        ..ask("/api/v1/record/verify", "verify_now", "The same", record::VERIFY, record::verify)
    },
    Route {
        params: &[optional("since", Kind::Count, "Tell everything after this entry first")],
        ..own("GET", "/api/v1/events", "events", "What is being recorded, as it is (text/event-stream)", false, Go::Events)
    },
    own("POST", "/api/v1/session", "sign_in", "Trades a token for a cookie", true, Go::SignIn),
    own("DELETE", "/api/v1/session", "sign_out", "Takes the cookie away", true, Go::SignOut),
    own("GET", "/api/v1/openapi.json", "openapi", "This description", true, Go::Description),
    own("GET", "/healthz", "healthz", "Whether the server lives", true, Go::Health),
    own("GET", "/readyz", "readyz", "Whether the record can be read", true, Go::Ready),
    own("GET", "/metrics", "metrics", "Counters, for Prometheus", false, Go::Metrics),
];

const THING: &[Param] = &[optional("files", Kind::Flag, "Of a run: every file, instead of one line for a folder")];

impl Route {
    /// Names of its parameters.
    pub fn known(&self) -> Vec<&'static str> {
        let past = if self.past { PAST } else { &[] };
        self.params.iter().chain(past).map(|param| param.name).collect()
    }
}

/// A route that was found, and what stands in place of its `{…}`.
pub(crate) type Found = (usize, Vec<String>);

/// The route of a request. None: it is no address of ours. An error: the address is, the method is not.
pub(crate) fn find(method: &str, path: &str) -> Result<Option<Found>, Fault> {
    let mut allowed = Vec::new();
    // longer patterns first: `things/{thing}/preview` before `things/{thing}`, and fixed words before `{…}`
    let mut candidates: Vec<(usize, Vec<String>, usize)> = Vec::new();
    for (at, route) in ROUTES.iter().enumerate() {
        if let Some(parts) = fits(route.path, path)? {
            candidates.push((at, parts, weight(route.path)));
        }
    }
    let Some(best) = candidates.iter().map(|(.., weight)| *weight).max() else { return Ok(None) };
    for (at, parts, weight) in candidates {
        if weight < best {
            continue;
        }
        let route = &ROUTES[at];
        if route.method == method || (method == "HEAD" && route.method == "GET") {
            return Ok(Some((at, parts)));
        }
        allowed.push(route.method.to_owned());
    }
    let message = format!("this address takes {}, not {}", allowed.join(", "), method.chars().take(20).collect::<String>());
    Err(Fault::method(message, allowed))
}

fn weight(pattern: &str) -> usize {
    pattern.split('/').map(|part| if part.starts_with('{') { 1 } else { 2 }).sum()
}

/// Whether a path is of a pattern. `{thing}` stands for one segment or several: paths may be written with their slashes.
fn fits(pattern: &str, path: &str) -> Result<Option<Vec<String>>, Fault> {
    let Some((head, rest)) = pattern.split_once('{') else { return Ok((pattern == path).then(Vec::new)) };
    let (name, tail) = rest.split_once('}').unwrap_or((rest, ""));
    let Some(inside) = path.strip_prefix(head).and_then(|rest| rest.strip_suffix(tail)) else { return Ok(None) };
    if inside.is_empty() || (name != "thing" && inside.contains('/')) {
        return Ok(None);
    }
    let segments: Vec<String> = inside.split('/').map(segment).collect::<Result<_, _>>()?;
    Ok(Some(vec![segments.join("/")]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(method: &str, path: &str) -> Option<(&'static str, String)> {
        find(method, path).unwrap().map(|(at, parts)| (ROUTES[at].name, parts.concat()))
    }

    #[test]
    fn an_address_leads_to_one_route() {
        assert_eq!(found("GET", "/api/v1/home"), Some(("home", String::new())));
        assert_eq!(found("HEAD", "/api/v1/home"), Some(("home", String::new())));
        assert_eq!(found("GET", "/api/v1/things/model:delay@v3"), Some(("thing", "model:delay@v3".into())));
        assert_eq!(found("GET", "/api/v1/things/model%3Adelay%40v3/versions"), Some(("versions", "model:delay@v3".into())));
        assert_eq!(found("GET", "/api/v1/things/data/flights.csv"), Some(("thing", "data/flights.csv".into())));
        assert_eq!(found("GET", "/api/v1/things/data/flights.csv/preview"), Some(("preview", "data/flights.csv".into())));
        assert_eq!(found("GET", "/api/v1/things/data%2Fpreview"), Some(("thing", "data/preview".into())));
        assert_eq!(found("GET", "/api/v1/things//etc/passwd"), Some(("thing", "/etc/passwd".into())));
        assert_eq!(found("GET", "/api/v1/record/verify"), Some(("verify", String::new())));
        assert_eq!(found("POST", "/api/v1/record/verify"), Some(("verify_now", String::new())));
        assert_eq!(found("GET", "/api/v1/record/12/proof"), Some(("proof", "12".into())));
        assert_eq!(found("GET", "/api/v1/record/12/3"), None);
        assert_eq!(found("GET", "/model:delay"), None);
        assert_eq!(find("DELETE", "/api/v1/home").unwrap_err().status, 405);
        assert!(find("GET", "/api/v1/things/%ff").is_err());
    }

    #[test]
    fn names_are_given_once() {
        let mut names: Vec<&str> = ROUTES.iter().map(|route| route.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), ROUTES.len());
    }
}
