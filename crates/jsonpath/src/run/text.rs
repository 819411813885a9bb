//! The text of a value where a function needs one.

use std::fmt::Write;

use crate::node::{Node, NodeKind};

/// A value as Java prints it: a map as `{a=1, b=x}`, a list as JSON; null has no text here.
pub(super) fn java_text<N: Node>(node: &N) -> String {
    let mut out = String::new();
    if node.kind() != NodeKind::Null {
        plain(node, &mut out);
    }
    out
}

fn plain<N: Node>(node: &N, out: &mut String) {
    match node.kind() {
        NodeKind::Null => out.push_str("null"),
        NodeKind::Bool => out.push_str(if node.as_bool() == Some(true) { "true" } else { "false" }),
        NodeKind::Number => out.push_str(&node.number_text().unwrap_or_default()),
        NodeKind::String => out.push_str(&node.as_text().unwrap_or_default()),
        NodeKind::List => json(node, out),
        NodeKind::Map => {
            let write = |name: &str, value: &N, out: &mut String| {
                out.push_str(name);
                out.push('=');
                plain(value, out);
            };
            members(node, ", ", write, out);
        }
    }
}

fn json<N: Node>(node: &N, out: &mut String) {
    match node.kind() {
        NodeKind::String => quoted(&node.as_text().unwrap_or_default(), out),
        NodeKind::Number => {
            let text = node.number_text().unwrap_or_default();
            let finite = text.ends_with(|c: char| c.is_ascii_digit());
            out.push_str(if finite { &text } else { "null" });
        }
        NodeKind::List => {
            out.push('[');
            for index in 0..node.len() {
                if index > 0 {
                    out.push(',');
                }
                if let Some(item) = node.item(index) {
                    json(&item, out);
                }
            }
            out.push(']');
        }
        NodeKind::Map => {
            let write = |name: &str, value: &N, out: &mut String| {
                quoted(name, out);
                out.push(':');
                json(value, out);
            };
            members(node, ",", write, out);
        }
        NodeKind::Null | NodeKind::Bool => plain(node, out),
    }
}

fn members<N: Node>(node: &N, between: &str, write: impl Fn(&str, &N, &mut String), out: &mut String) {
    out.push('{');
    for (place, name) in node.names().iter().enumerate() {
        if place > 0 {
            out.push_str(between);
        }
        if let Some(value) = node.member(name) {
            write(name, &value, out);
        }
    }
    out.push('}');
}

// As json-smart writes it: slashes escaped, and what older scripts could take for a line end.
fn quoted(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' | '/' => out.extend(['\\', c]),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\0'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{2000}'..='\u{20ff}' => {
                // Writing to a string cannot fail.
                let _ = write!(out, "\\u{:04X}", u32::from(c));
            }
            _ => out.push(c),
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::java_text;
    use crate::tree::Tree;

    #[test]
    fn maps_print_as_java_maps_and_lists_as_json() {
        for (value, expected) in [
            (
                json!({"a": 1, "b": {"c": null}, "d": ["x/y", {"e": true}]}),
                r#"{a=1, b={c=null}, d=["x\/y",{"e":true}]}"#,
            ),
            (json!(["a\n\u{7f}€ü\"", 1.0, null]), r#"["a\n\u007F\u20ACü\"",1.0,null]"#),
            (json!(1e7), "1.0E7"),
            (json!(null), ""),
        ] {
            assert_eq!(java_text(&Tree::Place(&value)), expected);
        }
    }
}
