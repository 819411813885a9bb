//! The text of a value where a function needs one.

use java::Style;

use crate::node::{Node, NodeKind};
use crate::stop::{Meter, Stop};

/// A list prints as JSON wherever it stands.
const LIST: Style = Style::Json { slashes: true };

/// A value as Java prints it: a map as `{a=1, b=x}`, a list as JSON; null has no text here.
///
/// # Errors
/// A limit: what a template has made may nest without end, or hold its parts many times.
pub(super) fn java_text<N: Node>(node: &N, meter: &mut Meter) -> Result<String, Stop> {
    let mut out = String::new();
    if node.kind() != NodeKind::Null {
        write(node, Style::Plain, meter, &mut out)?;
    }
    Ok(out)
}

fn write<N: Node>(node: &N, style: Style, meter: &mut Meter, out: &mut String) -> Result<(), Stop> {
    meter.visit(1)?;
    match node.kind() {
        NodeKind::Null => out.push_str("null"),
        NodeKind::Bool => out.push_str(if node.as_bool() == Some(true) { "true" } else { "false" }),
        NodeKind::Number => {
            let text = node.number_text().unwrap_or_default();
            let is_null = style.is_json() && text.ends_with("Infinity");
            out.push_str(if is_null { "null" } else { &text });
        }
        NodeKind::String => style.string(&node.as_text().unwrap_or_default(), out),
        NodeKind::List => {
            meter.enter()?;
            let items = (0..node.len()).filter_map(|index| node.item(index));
            let style = if style.is_json() { style } else { LIST };
            style.list(out, items, |out, item| write(&item, style, meter, out))?;
            meter.leave();
        }
        NodeKind::Map => {
            meter.enter()?;
            let members = node.names().into_iter().filter_map(|name| node.member(&name).map(|value| (name, value)));
            style.map(out, members, |out, (name, value), is| {
                style.string(&name, out);
                out.push(is);
                write(&value, style, meter, out)
            })?;
            meter.leave();
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::java_text;
    use crate::node::Node;
    use crate::stop::{Meter, Stop, Visits, Why};
    use crate::tree::Tree;

    fn text(node: &impl Node, visits: usize) -> Result<String, Stop> {
        java_text(node, &mut Meter::new(&Visits::new(visits)))
    }

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
            assert_eq!(text(&Tree::Place(&value), 100).ok().as_deref(), Some(expected));
        }
    }

    #[test]
    fn what_is_large_or_deep_meets_a_limit() {
        let wide = json!(vec![0; 100]);
        assert!(text(&Tree::Place(&wide), 101).is_ok());
        assert_eq!(text(&Tree::Place(&wide), 100).err().map(|stop| stop.why), Some(Why::Limit));
        let deep = (0..1000).fold(Value::Null, |inside, _| json!([inside]));
        assert_eq!(text(&Tree::Place(&deep), 5000).err().map(|stop| stop.why), Some(Why::Limit));
    }
}
