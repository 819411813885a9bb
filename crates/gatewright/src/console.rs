//! The console: a page that shows what becomes of each message, and an ordinary client beside it.
//!
//! Its files are inside the program, so that it needs no folder beside it and no network. What it knows it asks of the
//! control plane, of the feed and of [`stages`]; it is served where those are, and to nobody else's pages.

mod headers;
mod stages;

use http::{HeaderMap, header};

pub(crate) use headers::response;
pub(crate) use stages::Facts;

/// The folder of the page, with both slashes.
pub(crate) const PATH: &str = "/_console/";

const HTML: &str = "text/html; charset=utf-8";
const STYLE: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const TEXT: &str = "text/plain; charset=utf-8";

macro_rules! files {
    ($($name:literal $kind:ident)*) => {
        &[$(($name, $kind, include_str!(concat!("../assets/console/", $name)))),*]
    };
}

/// Name, content type and text. A file that is not in this table is not in the program.
const FILES: &[(&str, &str, &str)] = files! {
    "index.html" HTML
    "base.css" STYLE
    "shell.css" STYLE
    "views/api.css" STYLE
    "views/charts.css" STYLE
    "views/client.css" STYLE
    "views/connections.css" STYLE
    "views/event.css" STYLE
    "views/live.css" STYLE
    "views/tour.css" STYLE
    "api.js" SCRIPT
    "app.js" SCRIPT
    "copies.js" SCRIPT
    "diff.js" SCRIPT
    "filter.js" SCRIPT
    "gateway.js" SCRIPT
    "html.js" SCRIPT
    "json-lines.js" SCRIPT
    "keys.js" SCRIPT
    "listeners.js" SCRIPT
    "parts.js" SCRIPT
    "retry.js" SCRIPT
    "router.js" SCRIPT
    "rows.js" SCRIPT
    "shown.js" SCRIPT
    "text.js" SCRIPT
    "theme.js" SCRIPT
    "told.js" SCRIPT
    "client/close-codes.js" SCRIPT
    "client/kept.js" SCRIPT
    "client/messages.js" SCRIPT
    "client/socket.js" SCRIPT
    "client/sockets.js" SCRIPT
    "client/use-routes.js" SCRIPT
    "views/api.js" SCRIPT
    "views/charts.js" SCRIPT
    "views/client.js" SCRIPT
    "views/composer.js" SCRIPT
    "views/connections.js" SCRIPT
    "views/elsewhere.js" SCRIPT
    "views/event.js" SCRIPT
    "views/kept.js" SCRIPT
    "views/live.js" SCRIPT
    "views/lost-body.js" SCRIPT
    "views/nothing.js" SCRIPT
    "views/playground.js" SCRIPT
    "views/provenance.js" SCRIPT
    "views/routes.js" SCRIPT
    "views/row-table.js" SCRIPT
    "views/settings.js" SCRIPT
    "views/stage.js" SCRIPT
    "views/strip.js" SCRIPT
    "views/talk-line.js" SCRIPT
    "views/talk.js" SCRIPT
    "views/tour.js" SCRIPT
    "views/try-it.js" SCRIPT
    "views/unwatched.js" SCRIPT
    "views/waterfall.js" SCRIPT
    "views/way.js" SCRIPT
    "vendor/preact.js" SCRIPT
    "vendor/hooks.js" SCRIPT
    "vendor/htm.js" SCRIPT
    "vendor/uplot.js" SCRIPT
    "vendor/uplot.css" STYLE
    "vendor/preact-LICENSE.txt" TEXT
    "vendor/htm-LICENSE.txt" TEXT
    "vendor/uplot-LICENSE.txt" TEXT
};

/// The file at `path`, with its content type.
///
/// `path` is what follows [`PATH`]; empty stands for the page itself. `None` for anything else: the names are compared,
/// never resolved, so no path leads out of the table.
pub(crate) fn file(path: &str) -> Option<(&'static str, &'static str)> {
    let name = if path.is_empty() { "index.html" } else { path };
    FILES.iter().find(|(of, ..)| *of == name).map(|(_, kind, text)| (*kind, *text))
}

/// The names of all files.
#[cfg(test)]
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    FILES.iter().map(|(name, ..)| *name)
}

/// Whether a request for `/` comes from somebody who looks: browsers name HTML, programs do not.
pub(crate) fn wants_page(headers: &HeaderMap) -> bool {
    let accepts = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    accepts.flat_map(|value| value.split(',')).any(|range| {
        let media_type = range.split(';').next().unwrap_or_default();
        media_type.trim().eq_ignore_ascii_case("text/html")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(path: &str) -> &'static str {
        file(path).map(|(_, text)| text).unwrap_or_default()
    }

    /// What stands between `before` and the next quotation mark, wherever it stands.
    fn quoted(text: &str, before: &str) -> Vec<String> {
        text.split(before).skip(1).filter_map(|rest| rest.split('"').next()).map(str::to_owned).collect()
    }

    /// The name of the file that `name` imports as `imported`, which starts with `./` or `../`.
    fn beside(name: &str, imported: &str) -> String {
        let folder = name.rsplit_once('/').map_or("", |(folder, _)| folder);
        if let Some(below) = imported.strip_prefix("./") {
            return format!("{folder}/{below}").trim_start_matches('/').to_owned();
        }
        let above = imported.strip_prefix("../").unwrap_or_else(|| panic!("{name} imports {imported} from elsewhere"));
        let folder = folder.rsplit_once('/').map_or("", |(folder, _)| folder);
        format!("{folder}/{above}").trim_start_matches('/').to_owned()
    }

    #[test]
    fn the_page_is_also_its_folder() {
        assert!(text("").starts_with("<!doctype html>"));
        assert_eq!(file(""), file("index.html"));
        assert!(PATH.starts_with('/') && PATH.ends_with('/'), "the page's names are relative to it");
    }

    #[test]
    fn whatever_the_page_names_is_there_and_is_named() {
        let mut named = vec!["index.html".to_owned()];
        for mark in ["href=\"", "src=\""] {
            let names = quoted(text(""), mark);
            named.extend(names.into_iter().filter(|name| !name.starts_with("data:") && !name.starts_with('#')));
        }
        for (name, _, script) in FILES.iter().filter(|(_, kind, _)| *kind == SCRIPT) {
            let imports = [quoted(script, "from \""), quoted(script, "import(\"")].concat();
            named.extend(imports.iter().map(|imported| beside(name, imported)));
        }
        for name in &named {
            assert!(file(name).is_some(), "{name} is missing");
        }
        // Licences go along without being loaded.
        for (name, ..) in FILES.iter().filter(|(_, kind, _)| *kind != TEXT) {
            assert!(named.iter().any(|other| other == name), "{name} is never loaded");
        }
    }

    #[test]
    fn only_names_of_the_table_are_files() {
        for path in ["/", "app.js/", "../app.js", "Base.css", "index.html?x", "./index.html"] {
            assert_eq!(file(path), None, "{path}");
        }
    }

    #[test]
    fn nothing_is_loaded_from_elsewhere_and_nothing_becomes_markup() {
        // The code of others is held to it by the policy: it knows how to make markup, if it is asked to.
        for (name, _, text) in FILES.iter().filter(|(name, ..)| !name.starts_with("vendor/")) {
            for word in [
                "https://",
                "@import",
                "innerHTML",
                "InnerHTML",
                "outerHTML",
                "insertAdjacentHTML",
                "document.write",
                "eval(",
            ] {
                assert!(!text.contains(word), "{name}: {word}");
            }
        }
        // The policy forbids both, so that what slips through shows in the browser's tests, too.
        let html = text("");
        assert!(!html.contains("<style") && !html.contains(" style=") && !html.contains(" onclick="));
        assert_eq!(html.matches("<script").count(), html.matches("<script type=\"module\" src=").count());
    }

    #[test]
    fn browsers_are_led_to_the_page_and_programs_are_not() {
        for (accept, page) in [
            (Some("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"), true),
            (Some("application/json, TEXT/HTML;q=0.5"), true),
            (Some("*/*"), false),
            (Some("application/json"), false),
            (Some("text/html5"), false),
            (None, false),
        ] {
            let mut headers = HeaderMap::new();
            if let Some(accept) = accept {
                headers.insert(header::ACCEPT, http::HeaderValue::from_static(accept));
            }
            assert_eq!(wants_page(&headers), page, "{accept:?}");
        }
    }
}
