//! Writes the answers: XML as the query protocol has it.

use super::error::Error;

/// The namespace of CloudFormation's answers. Source: the model.
pub const NAMESPACE: &str = "http://cloudformation.amazonaws.com/doc/2010-05-15/";

/// A document as it is written.
#[derive(Debug, Default)]
pub struct Xml(String);

impl Xml {
    /// An element with a text, also an empty one.
    pub fn text(&mut self, name: &str, text: &str) {
        self.0 += &format!("<{name}>");
        escape(&mut self.0, text);
        self.0 += &format!("</{name}>");
    }

    /// An element with a text that is left out where that is empty.
    pub fn some(&mut self, name: &str, text: &str) {
        if !text.is_empty() {
            self.text(name, text);
        }
    }

    /// An element with `true` or `false`.
    pub fn flag(&mut self, name: &str, is: bool) {
        self.text(name, if is { "true" } else { "false" });
    }

    /// An element with others in it.
    pub fn within(&mut self, name: &str, inside: impl FnOnce(&mut Xml)) {
        self.0 += &format!("<{name}>");
        inside(self);
        self.0 += &format!("</{name}>");
    }

    /// A list: an element with a `member` for each item.
    pub fn list<T>(&mut self, name: &str, items: impl IntoIterator<Item = T>, mut each: impl FnMut(&mut Xml, T)) {
        self.within(name, |xml| items.into_iter().for_each(|item| xml.within("member", |xml| each(xml, item))));
    }

    /// A list of texts.
    pub fn texts<T: AsRef<str>>(&mut self, name: &str, texts: impl IntoIterator<Item = T>) {
        self.within(name, |xml| texts.into_iter().for_each(|text| xml.text("member", text.as_ref())));
    }

    /// What was written.
    pub fn into_text(self) -> String {
        self.0
    }
}

/// An answer: what an action gives, in its two elements, and the id of the request.
pub fn answer(namespace: &str, action: &str, request_id: &str, inside: impl FnOnce(&mut Xml)) -> String {
    let mut xml = Xml(format!("<{action}Response xmlns=\"{namespace}\">"));
    xml.within(&format!("{action}Result"), inside);
    xml.within("ResponseMetadata", |xml| xml.text("RequestId", request_id));
    xml.0 += &format!("</{action}Response>");
    xml.0
}

/// What a caller is told whose call was not done.
pub fn refusal(namespace: &str, error: &Error, request_id: &str) -> String {
    let mut xml = Xml(format!("<ErrorResponse xmlns=\"{namespace}\">"));
    xml.within("Error", |xml| {
        xml.text("Type", if error.status < 500 { "Sender" } else { "Receiver" });
        xml.text("Code", error.code);
        xml.text("Message", &error.message);
    });
    xml.text("RequestId", request_id);
    xml.0 += "</ErrorResponse>";
    xml.0
}

/// Characters that XML 1.0 cannot have become U+FFFD; a carriage return is spelled, or readers take it for a line's end.
fn escape(out: &mut String, text: &str) {
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&apos;"),
            '\r' => out.push_str("&#13;"),
            '\t' | '\n' => out.push(c),
            '\0'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_is_escaped() {
        let mut xml = Xml::default();
        xml.text("A", "<b attr=\"x\">&'\r\n\t\u{0}\u{1b}\u{ffff}</b>]]>");
        assert_eq!(
            xml.into_text(),
            "<A>&lt;b attr=&quot;x&quot;&gt;&amp;&apos;&#13;\n\t\u{fffd}\u{fffd}\u{fffd}&lt;/b&gt;]]&gt;</A>"
        );
        let told = refusal(NAMESPACE, &Error::new(400, "InvalidAction", "no <Foo>"), "id");
        assert!(told.contains("<Code>InvalidAction</Code><Message>no &lt;Foo&gt;</Message>"), "{told}");
    }

    #[test]
    fn an_answer_has_its_two_elements() {
        let told = answer(NAMESPACE, "ListStacks", "id", |xml| xml.list("L", ["a"], |xml, text| xml.text("T", text)));
        assert!(told.ends_with(
            "<ListStacksResult><L><member><T>a</T></member></L></ListStacksResult>\
             <ResponseMetadata><RequestId>id</RequestId></ResponseMetadata></ListStacksResponse>"
        ));
    }
}
