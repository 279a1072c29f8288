//! A trace for machines: JSON in the shape that scripts depend on.

use keizu_graph::{Detail, Measure, Node, Trace};
use keizu_record::FilePath;
use serde_json::{Map, Value, json};

use crate::answer::{self, rfc3339};

/// `{root, nodes, edges, truncated}`, and what else is known. Data flows from `from` to `to`.
pub fn as_json(trace: &Trace) -> Value {
    let id = |at: usize| trace.nodes[at].id.as_str();
    let edges: Vec<Value> = trace
        .edges
        .iter()
        .map(|link| {
            json!({
                "from": id(link.from),
                "to": id(link.to),
                "kind": link.kind.word(),
                "role": link.role.map(|role| role.word()),
                "authority": link.authority.word(),
                "rule": link.rule,
                "relation": link.relation,
                "changed": link.changed,
            })
        })
        .collect();
    json!({
        "root": trace.roots.first().map(|root| id(*root)),
        "roots": trace.roots.iter().map(|root| id(*root)).collect::<Vec<_>>(),
        "nodes": trace.nodes.iter().map(node).collect::<Vec<_>>(),
        "edges": edges,
        "truncated": trace.truncated,
        "measured": trace.measured.iter().map(measure).collect::<Vec<_>>(),
    })
}

/// One node of it.
pub fn node(node: &Node) -> Value {
    let mut fields = Map::new();
    let mut put = |key: &str, value: Value| fields.insert(key.to_owned(), value);
    put("id", node.id.as_str().into());
    put("kind", node.kind().into());
    put("name", node.name.as_str().into());
    put("at", node.at.map(rfc3339).into());
    put("hidden", node.hidden.into());
    match &node.detail {
        Detail::Run(run) => {
            put("digest", Value::Null);
            put("path", Value::Null);
            put("size", Value::Null);
            put("run", node.vertex.run().map(|run| run.to_string()).into());
            put("command", run.command.iter().map(|word| FilePath::new(word.as_slice()).to_string()).collect());
            put("status", run.status.map(|status| status.word()).into());
            put("exit_code", run.exit_code.into());
            put("ended_at", run.ended.map(rfc3339).into());
            put("user", run.user.clone().into());
        }
        Detail::Artifact(artifact) => {
            put("digest", artifact.digest.map(|digest| digest.to_string()).into());
            put("path", artifact.path.as_ref().map(ToString::to_string).into());
            put("size", artifact.size.into());
            put("members", artifact.members.into());
            put("package", artifact.package.clone().into());
            put("unseen", artifact.unseen.clone().into());
            put("versions", artifact.versions.clone().into());
            put("aliases", artifact.aliases.clone().into());
        }
    }
    Value::Object(fields)
}

fn measure(measure: &Measure) -> Value {
    let metrics: Map<String, Value> = measure.metrics.iter().map(|(name, value)| (name.clone(), answer::json(value))).collect();
    json!({
        "evaluation": node(&measure.evaluation),
        "run": node(&measure.run),
        "metrics": metrics,
        "on": measure.on.iter().map(node).collect::<Vec<_>>(),
    })
}
