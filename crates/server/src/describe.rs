//! The description of all routes (OpenAPI), made from the table. It is committed as `openapi.json`, so that the page's types can be made from it; a
//! test compares the two.

mod shapes;

use std::sync::OnceLock;

use bytes::Bytes;
use serde_json::{Map, Value, json};

use crate::table::{Go, Kind, PAST, Param, ROUTES, Route};

/// As it is served.
pub(crate) fn text() -> Bytes {
    static TEXT: OnceLock<Bytes> = OnceLock::new();
    TEXT.get_or_init(|| (format!("{:#}\n", document())).into()).clone()
}

/// The whole description.
pub(crate) fn document() -> Value {
    let mut paths: Map<String, Value> = Map::new();
    for route in ROUTES {
        let of = paths.entry(route.path).or_insert_with(|| Value::Object(Map::new()));
        if let Value::Object(of) = of {
            of.insert(route.method.to_lowercase(), operation(route));
        }
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Keizu",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Everything that the command line can read. A thing is written as there: model:NAME@vN, data:NAME, run:ID, b3:DIGEST, or a path. \
                Times are RFC 3339 in UTC; an unknown value is null, never missing. Fields may be added, never changed.",
            "license": {"name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "security": [{}, {"token": []}, {"cookie": []}],
        "paths": paths,
        "components": {
            "schemas": shapes::all(),
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer", "description": "`keizu token new --read`; not needed over loopback"},
                "cookie": {"type": "apiKey", "in": "cookie", "name": "keizu_…", "description": "What a token was traded for; its name carries the record's id"},
            },
            "responses": {"Fault": {"description": "What went wrong, and what may have been meant", "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Fault"}}}}},
        },
    })
}

fn operation(route: &Route) -> Value {
    let past = if route.past { PAST } else { &[] };
    let mut parameters: Vec<Value> =
        route.path.split('{').skip(1).filter_map(|rest| rest.split_once('}')).map(|(name, _)| in_path(name)).collect();
    parameters.extend(route.params.iter().chain(past).map(in_query));
    let mut responses: Map<String, Value> = Map::new();
    if matches!(route.go, Go::SignOut) {
        responses.insert("204".to_owned(), json!({"description": "Done"}));
    } else {
        responses.insert("200".to_owned(), json!({"description": "The answer", "content": content(route)}));
    }
    for (status, when) in [
        ("304", "The client has it already"),
        ("400", "The question makes no sense"),
        ("401", "A token is needed"),
        ("403", "Not from there"),
        ("404", "No such thing"),
        ("408", "It took too long to come"),
        ("413", "Too much was sent"),
        ("414", "The address is too long (with a fault, or beyond 64 KiB without)"),
        ("415", "Not in this form"),
        ("421", "Not this host"),
        ("429", "Too many requests"),
        ("431", "Too many headers (with a fault, or beyond 128 KiB or 256 lines without)"),
        ("500", "Keizu failed"),
        ("503", "Not now"),
    ] {
        // heads that are beyond reading are refused by the reader of HTTP itself, which says nothing
        let bare = matches!(status, "304" | "414" | "431");
        let body = if bare { json!({"description": when}) } else { json!({"$ref": "#/components/responses/Fault"}) };
        responses.insert(status.to_owned(), body);
    }
    let mut operation = json!({"operationId": route.name, "summary": route.about, "parameters": parameters, "responses": responses});
    if matches!(route.go, Go::SignIn) {
        let schema = json!({"type": "object", "required": ["token"], "properties": {"token": {"type": "string"}}});
        operation["requestBody"] = json!({"required": true, "content": {"application/json": {"schema": schema}}});
    }
    operation
}

fn in_path(name: &str) -> Value {
    let (schema, about) = match name {
        "layout" => (json!({"type": "string", "minLength": 1}), "The `layout` of a graph that was asked for just now"),
        "seq" => (json!({"type": "integer", "minimum": 1, "maximum": i64::MAX}), "The entry's place in the record, from 1"),
        _ => (
            json!({"type": "string", "minLength": 1, "pattern": "^[^\\x00]+$"}),
            "model:NAME@vN, data:NAME, run:ID, b3:DIGEST, or a path; its slashes may stand as they are",
        ),
    };
    json!({"name": name, "in": "path", "required": true, "schema": schema, "description": about})
}

fn in_query(param: &Param) -> Value {
    let schema = match param.kind {
        // what may be left out may as well be empty
        Kind::Text | Kind::Thing | Kind::Moment => json!({"type": "string", "minLength": u8::from(param.need), "maxLength": 4096}),
        Kind::Count => json!({"type": "integer", "minimum": 1, "maximum": i64::MAX}),
        Kind::Steps => json!({"oneOf": [{"type": "integer", "minimum": 0, "maximum": 4_294_967_295_u32}, {"const": "all"}]}),
        Kind::Flag => json!({"type": "boolean"}),
        Kind::Words => json!({"type": "string", "description": "Words with commas between them"}),
    };
    json!({"name": param.name, "in": "query", "required": param.need, "schema": schema, "description": param.about})
}

fn content(route: &Route) -> Value {
    let schema = |name: &str| json!({"schema": {"$ref": format!("#/components/schemas/{name}")}});
    match (&route.go, shapes::of(route.name)) {
        (Go::Events, _) => json!({"text/event-stream": {"schema": {"type": "string"}}}),
        (Go::Health | Go::Ready | Go::Metrics, _) => json!({"text/plain": {"schema": {"type": "string"}}}),
        (_, shapes::Form::Json(name)) => json!({"application/json": schema(name)}),
        (_, shapes::Form::Lines(name)) => json!({"application/x-ndjson": schema(name)}),
        (_, shapes::Form::Either(whole, line)) => json!({"application/json": schema(whole), "application/x-ndjson": schema(line)}),
        (_, shapes::Form::File) => json!({"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_committed_description_is_the_one_that_is_served() {
        let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("openapi.json");
        let made = text();
        let committed = fs_err::read(&file).unwrap_or_default();
        if std::env::var_os("KEIZU_BLESS").is_some() {
            fs_err::write(&file, &made).unwrap();
            return;
        }
        assert!(
            committed == made,
            "crates/server/openapi.json is not what the table says: KEIZU_BLESS=1 cargo test -p keizu-server describe"
        );
    }

    #[test]
    fn every_shape_that_is_named_is_there() {
        let text = document().to_string();
        let known = shapes::all();
        for part in text.split("#/components/schemas/").skip(1) {
            let name: String = part.chars().take_while(|char| char.is_alphanumeric()).collect();
            assert!(known.get(&name).is_some(), "{name}");
        }
    }
}
