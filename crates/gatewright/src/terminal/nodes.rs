//! `gatewright nodes`: who the nodes of the cluster are.

use clap::Args;
use serde_json::Value;

use super::paint::{Paint, Tone, column, one_line};
use super::{Where, block, say};
use crate::exit::Failure;

/// What `nodes` was told.
#[derive(Args, Clone, Debug)]
pub(crate) struct NodesOptions {
    /// Print the answer as JSON
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    place: Where,
}

/// Lists them.
pub(crate) fn nodes(options: &NodesOptions) -> Result<(), Failure> {
    let asking = options.place.asking()?;
    let answer = block(async { Ok(asking.get("nodes").await?) })?;
    if options.json {
        return say(&format!("{answer}\n")).map(|_| ());
    }
    say(&told(&answer, Paint::of_stdout())).map(|_| ())
}

fn told(answer: &Value, paint: Paint) -> String {
    let Some(name) = answer["cluster"].as_str() else {
        return "this gateway is alone: it was started without --cluster\n".to_owned();
    };
    let nodes = answer["nodes"].as_array().cloned().unwrap_or_default();
    let away = if answer["connected"] == true { "" } else { "; this node has lost NATS, so the list may be old" };
    let mut text = format!("cluster {}, {} nodes{away}\n", one_line(name), nodes.len());
    let line = |parts: [&str; 5]| {
        let [node, address, version, connections, behind] = parts;
        format!(
            "{} {} {} {} {}\n",
            column(node, 6),
            column(address, 24),
            column(version, 10),
            column(connections, 12),
            behind
        )
    };
    text += &paint.text(Tone::Quiet, &line(["node", "address", "version", "connections", "behind"]));
    for node in &nodes {
        let number = node["node"].to_string() + if node["isThis"] == true { "*" } else { "" };
        let of = |name: &str| one_line(&node[name].as_str().map_or_else(|| node[name].to_string(), str::to_owned));
        text += &line([&number, &of("address"), &of("version"), &of("connections"), &of("behind")]);
    }
    text
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn nodes_stand_below_each_other_and_who_is_alone_is_told() {
        let plain = Paint::plain();
        assert_eq!(
            told(&json!({ "cluster": null }), plain),
            "this gateway is alone: it was started without --cluster\n"
        );
        let nodes = json!({ "cluster": "gw", "connected": false, "nodes": [
            { "node": 1, "address": "127.0.0.1:4510", "version": "0.1.0", "connections": 12, "behind": 0, "isThis": true },
            { "node": 2, "address": "evil\u{1b}[2J", "version": "0.1.0", "connections": 3, "behind": 4, "isThis": false },
        ]});
        let text = told(&nodes, plain);
        assert!(text.starts_with("cluster gw, 2 nodes; this node has lost NATS"), "{text}");
        assert!(text.contains("1*") && !text.contains('\u{1b}'), "{text}");
        assert_eq!(text.lines().count(), 4);
    }
}
