//! What answers look like, written short: `name type`, with `?` for what may be null and `~` before a name that may be missing; `[x]` a list, `{x}` a map.
//! The tests hold real answers against it, so that no field can be forgotten.

use serde_json::{Map, Value, json};

/// In which form a route answers.
pub(super) enum Form {
    Json(&'static str),
    /// One a line.
    Lines(&'static str),
    /// Whole, or in parts.
    Either(&'static str, &'static str),
    File,
}

/// The form of a route's answer.
pub(super) fn of(route: &str) -> Form {
    match route {
        "home" => Form::Json("Home"),
        "models" => Form::Json("Models"),
        "data" => Form::Json("Datasets"),
        "runs" => Form::Json("Runs"),
        "thing" => Form::Json("Thing"),
        "preview" => Form::Json("Preview"),
        "versions" => Form::Json("Versions"),
        "members" => Form::Json("Members"),
        "content" => Form::File,
        "graph" => Form::Either("Graph", "GraphPart"),
        "names" => Form::Json("GraphNames"),
        "trace" => Form::Json("Trace"),
        "closure" => Form::Json("Closure"),
        "why" => Form::Json("Why"),
        "impact" => Form::Lines("ImpactLine"),
        "status" => Form::Json("Status"),
        "plan" => Form::Json("Plan"),
        "search" => Form::Json("Search"),
        "record" => Form::Json("Record"),
        "entry" => Form::Json("Entry"),
        "proof" => Form::Json("Proof"),
        "verify" | "verify_now" => Form::Lines("VerifyLine"),
        "sign_in" => Form::Json("Session"),
        _ => Form::Json("Anything"),
    }
}

const SHAPES: &[(&str, &str)] = &[
    ("Fault", "error FaultDetail"),
    ("FaultDetail", "code text, message text, nearest [text]"),
    ("Home", "project text, record RecordBrief, models [ModelRow], look [Look], running [Running], next text?"),
    ("RecordBrief", "size int, root text?, checkpoint_at text?, verified_at text?"),
    (
        "ModelRow",
        "thing text, name text, version int?, aliases [text], all_aliases {int}, at text?, run text?, freshness ModelFreshness?, metric Metric?, \
         spark [num], changed Changed?, owner text?",
    ),
    ("ModelFreshness", "state text, until text?, cause text?, goal text"),
    ("Metric", "name text, value num, before num?"),
    ("Changed", "kinds [text], at text, by text"),
    ("Look", "thing text, code text, args [any]"),
    ("Running", "id text, command [text], started_at text, state text, inputs int, outputs int, read [text], written [text]"),
    ("Models", "models [NameRow], next text?"),
    ("Datasets", "data [NameRow], next text?"),
    ("NameRow", "name text, thing text?, versions int, aliases {int}, newest VersionRow?"),
    ("Runs", "runs [RunLine], next text?"),
    (
        "RunLine",
        "id text, name text?, status text, exit_code int?, signal int?, started_at text, ended_at text?, command [text], user text, made [text], made_count int",
    ),
    ("Versions", "name text, aliases {int}, metrics [text], versions [VersionRow], next text?"),
    (
        "VersionRow",
        "name text, version int, digest text?, size int?, path text?, run text?, at text, aliases [text], authority text, rule text?, \
         ~metrics {num}",
    ),
    (
        "RunDetail",
        "thing text, what text, kind text, seq int?, id text, name text?, status text, exit_code int?, signal int?, command [text], cwd text, project text, user text, host text, \
         started_at text, ended_at text?, git Git?, environment Environment?, params {any}, params_by {text}, metrics {any}, tags {any}, inputs [FileRow], \
         outputs [FileRow], code [FileRow], listings [FileRow], absent [text], processes [Process], names [text], parent text?, children [text], \
         blind_spots [Blind], coverage num?, judged [any]",
    ),
    ("Git", "commit text, branch text, dirty bool, diff text?, changed {[int]}"),
    ("Environment", "digest text, python text?, packages {text}, document any"),
    (
        "FileRow",
        "path text, ~path_bytes text, ~target text, digest text?, size int?, ~members int, kind text, role text, ~format text, ~package text, authority text, \
         rule text?, changed text?, ~unseen text, ~unchanged bool, ~removed bool, ~at text",
    ),
    ("Process", "pid int, ppid int, argv [text], exe text, exit_code int?, started_at text, ended_at text?, watched bool"),
    ("Blind", "kind text, detail text"),
    ("NameDetail", "thing text, what text, kind text, seq int?, name text, versions [VersionRow], aliases {int}"),
    (
        "VersionDetail",
        "thing text, what text, kind text, seq int?, name text, version int, digest text?, size int?, path text?, run text?, at text, aliases [text], authority text, \
         rule text?, artifact Artifact?, data_time DataTime?, freshness Freshness?, profile Profile?, no_profile text?",
    ),
    (
        "Artifact",
        "digest text, size int?, kind text, kept bool, occurrences [Occurrence], members [FileRow]?, ~members_count int, metrics {any}, judged [any]",
    ),
    ("Members", "members [FileRow], next text?"),
    (
        "ArtifactDetail",
        "thing text, what text, seq int?, digest text, size int?, kind text, kept bool, occurrences [Occurrence], members [FileRow]?, ~members_count int, metrics {any}, \
         judged [any], data_time DataTime?, freshness Freshness?, profile Profile?, no_profile text?",
    ),
    ("Occurrence", "what text, run text?, command [text], path text, at text, authority text, rule text?"),
    ("DataTime", "time text, by text, authority text, from text, passed_on bool"),
    ("Freshness", "grade text, goal text, needed text, data_time DataTime?"),
    ("Profile", "rows int, columns [Column]"),
    ("Column", "name text, kind text, stored text, missing num?, distinct int?, min text?, max text?, mean num?, bins Bins?, top [[any]]"),
    ("Bins", "edges [num], counts [int]"),
    ("Preview", "form text, ~columns [text], ~rows [[text]], ~text text, ~truncated bool, ~members int, ~why text"),
    ("Trace", "root text?, roots [text], nodes [TraceNode], edges [TraceEdge], truncated bool, measured [Measured]"),
    (
        "TraceNode",
        "id text, kind text, name text, at text?, hidden bool, digest text?, path text?, size int?, ~run text?, ~command [text], ~status text?, ~exit_code int?, \
         ~ended_at text?, ~user text?, ~members int?, ~package text?, ~unseen text?, ~versions [text], ~aliases [text]",
    ),
    ("TraceEdge", "from text, to text, kind text, role text?, authority text, rule text?, relation text?, changed text?"),
    ("Closure", "counts ClosureCounts, kind [int], kinds [text], nodes [TraceNode], next text?, seq int, ~links ClosureLinks"),
    ("ClosureCounts", "all int, runs int, artifacts {int}, apart int"),
    ("ClosureLinks", "from [int], to [int]"),
    ("Measured", "evaluation TraceNode, run TraceNode, metrics {any}, on [TraceNode]"),
    (
        "Why",
        "a WhyState, b WhyState?, measure_changed bool, metrics [WhyMetric], causes [Cause], same [text], unseen [text], \
         unseen_said [[Said]], notes [text], notes_said [[Said]]",
    ),
    ("WhyState", "name text, path text?, digest text?, made_by text?, measured_by text?, evaluations [any], at text?, measured_at text?"),
    ("WhyMetric", "name text, before any, after any"),
    (
        "Cause",
        "rank int, factor any, group text, kind text, effect_possible text, subject text, detail text, said [Said], before any, after any, \
         evidence [text], evidence_said [[Said]], via [text], \
         authority text, rule text?, written_by any, runs any, swaps [any], because [Cause], diff text?, data TableChange?",
    ),
    (
        "TableChange",
        "rows Counts, row_counts RowCounts, reordered bool, same_values bool, schema any, columns [ColumnChange], labels any, added_in any, removed_in any, \
         parts [any], arrays [any], headlines [any]",
    ),
    ("RowCounts", "added int, removed int, changed int, equal int, matched bool"),
    ("Counts", "before int, after int"),
    ("Values", "before any, after any"),
    (
        "ColumnChange",
        "name text, kind text, cells_changed int?, missing Counts, infinite Counts, min Values, max Values, mean Values, distinct Counts, drift {any}, \
         ~spread Spread, new_values [[any]], vanished_values [[any]], concentrated any",
    ),
    ("Spread", "~bins SpreadBins, ~values SpreadValues"),
    ("SpreadBins", "edges [num], range SpreadRange, counts SpreadCounts"),
    ("SpreadRange", "before [num]?, after [num]?"),
    ("SpreadCounts", "before [int], after [int]"),
    ("SpreadValues", "counts [[any]], other Counts"),
    ("ImpactLine", "~counts ImpactCounts?, ~hit Hit, ~told Told, ~error FaultDetail"),
    ("ImpactCounts", "all int, runs int, artifacts {int}, roots int"),
    (
        "Hit",
        "id text, ~root bool, kind text, name text, digest text?, project text?, path text?, size int?, members int?, at text?, bucket text, runs int, \
         command [text], versions [text], aliases [text], deployments [Deployment], owners [text], columns [text], authority text?, rule text?, way [text]?",
    ),
    ("Deployment", "id text, name text?, live bool, since text, owners [text]"),
    ("Told", "count int, kinds {int}, buckets {int}, unreadable [text]"),
    ("Status", "rows [StatusRow], remedy Remedy?, recorded bool"),
    ("StatusRow", "thing text, state text, cause StatusCause?, path [text], place text, run text, digest text?, version text?, more int"),
    ("StatusCause", "thing text, what text, said [Said]"),
    ("Said", "code text, args [text]"),
    ("Remedy", "steps int, of int, took_micros int"),
    ("Plan", "steps [PlanStep], of int, unknown [text], recorded bool"),
    (
        "PlanStep",
        "run text, command [text], cwd text, makes [text], causes [StatusCause], because text?, after [int], took_ms int?, lack text?, hint text?",
    ),
    ("Search", "found [Found], next text?"),
    ("Found", "thing text, kind text, name text, at text?, detail text?"),
    (
        "Record",
        "size int, root text?, checkpoint_at text?, verified_at text?, checkpoints [Checkpoint], signers [text], witnesses [any], logs [LogRow], position int",
    ),
    ("Checkpoint", "origin text, size int, root text?, at text?, note text?"),
    ("LogRow", "origin text, own bool, size int, checkpoints int, signed int?, root text?, signed_at text?, checkpoint text?, signer text"),
    (
        "Entry",
        "seq int, origin text, index int, id text, kind text, authority text, rule text?, happened_at text, recorded_at text, subject text, object text?, place text?, \
         cites [text], retracts bool, fields {any}, withheld [text]",
    ),
    ("Proof", "seq int, id text, origin text, index int, leaf text, size int, path [text], path_base64 [text], root text, checkpoint text"),
    ("VerifyLine", "~progress VerifyProgress, ~report VerifyReport, ~error FaultDetail"),
    ("VerifyProgress", "origin text?, done int, total int?, ~bytes int"),
    ("VerifyReport", "intact bool, logs [any], absent [any], contents any"),
    ("Session", "id text, scope text"),
    (
        "Graph",
        "layout text, as_of text?, record GraphRecord?, focus int?, main [int], size GraphSize, layers [GraphLayer], nodes GraphNodes, edges GraphEdges, \
         folds [GraphFold], kinds [[int]], said [[int]], vocabulary Vocabulary, seq int",
    ),
    ("GraphRecord", "size int, root text"),
    (
        "GraphSize",
        "w int, h int, nodes int, edges int, folded int, beyond int, hidden int, deleted int, faulty int, cut int, cut_edges int, truncated bool",
    ),
    ("GraphLayer", "x int, ~role text, ~run_t [text]"),
    (
        "GraphNodes",
        "id [text], kind [int], layer [int], y [int], name [text], sub [[any]], state [int], group [int], up [int], down [int], t [int?], thing [text?], path [text?]",
    ),
    ("GraphEdges", "from [int], to [int], by [int], role [int], lane [[int]]"),
    ("GraphFold", "id text, why text, kind int, count int"),
    ("Vocabulary", "kinds [text], by [text], roles [text], states [text]"),
    ("GraphPart", "~nodes any, ~edges any"),
    ("GraphNames", "at [int], name [text], sub [[any]], thing [text?], path [text?]"),
];

/// All schemas, by name.
pub(super) fn all() -> Value {
    let mut all: Map<String, Value> = SHAPES.iter().map(|(name, fields)| ((*name).to_owned(), object(fields))).collect();
    let one_of = |names: &[&str]| json!({"oneOf": names.iter().map(|name| reference(name)).collect::<Vec<_>>()});
    all.insert("Thing".to_owned(), one_of(&["RunDetail", "NameDetail", "VersionDetail", "ArtifactDetail"]));
    all.insert("Anything".to_owned(), json!({"type": "object"}));
    Value::Object(all)
}

fn object(fields: &str) -> Value {
    let (mut properties, mut required) = (Map::new(), Vec::new());
    for field in fields.split(',').map(str::trim) {
        let (name, kind) = field.split_once(' ').expect("invariant: a field is written as name and type");
        let kind = kind.trim();
        match name.strip_prefix('~') {
            Some(name) => drop(properties.insert(name.to_owned(), schema(kind))),
            None => {
                properties.insert(name.to_owned(), schema(kind));
                required.push(name);
            }
        }
    }
    json!({"type": "object", "required": required, "properties": properties})
}

fn schema(kind: &str) -> Value {
    if let Some(inner) = kind.strip_suffix('?') {
        let inner = schema(inner);
        return match inner.get("type").and_then(Value::as_str) {
            Some(simple) if inner.get("$ref").is_none() => {
                let mut either = inner.clone();
                either["type"] = json!([simple, "null"]);
                either
            }
            _ => json!({"anyOf": [inner, {"type": "null"}]}),
        };
    }
    if let Some(inner) = kind.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        return json!({"type": "array", "items": schema(inner)});
    }
    if let Some(inner) = kind.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
        return json!({"type": "object", "additionalProperties": schema(inner)});
    }
    match kind {
        "text" => json!({"type": "string"}),
        "int" => json!({"type": "integer"}),
        "num" => json!({"type": "number"}),
        "bool" => json!({"type": "boolean"}),
        "any" => json!({}),
        name => reference(name),
    }
}

fn reference(name: &str) -> Value {
    json!({"$ref": format!("#/components/schemas/{name}")})
}
