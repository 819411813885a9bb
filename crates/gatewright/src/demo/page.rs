//! Holds the demo's page: three files inside the program, so that it needs no folder beside it and no network.

/// The file at `path`, with its content type.
///
/// `path` is what follows [`PAGE_PATH`](crate::demo::PAGE_PATH); empty stands for the page itself. `None` for anything
/// else: the names are compared, never resolved, so no path leads out of the three files.
pub(crate) fn file(path: &str) -> Option<(&'static str, &'static str)> {
    match path {
        "" | "index.html" => Some(("text/html; charset=utf-8", include_str!("../../assets/demo/index.html"))),
        "demo.css" => Some(("text/css; charset=utf-8", include_str!("../../assets/demo/demo.css"))),
        "demo.js" => Some(("text/javascript; charset=utf-8", include_str!("../../assets/demo/demo.js"))),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::file;
    use crate::demo::{API_ID, PAGE_PATH, STAGE};

    fn text(path: &str) -> &'static str {
        file(path).map(|(_, text)| text).unwrap_or_default()
    }

    #[test]
    fn the_page_is_also_its_folder() {
        assert!(text("").starts_with("<!doctype html>"));
        assert_eq!(file(""), file("index.html"));
    }

    #[test]
    fn whatever_the_page_names_is_there() {
        let html = text("");
        let names: Vec<&str> = ["href=\"", "src=\""]
            .iter()
            .flat_map(|mark| html.split(mark).skip(1))
            .filter_map(|rest| rest.split('"').next())
            .filter(|name| !name.starts_with("data:") && !name.starts_with('#'))
            .collect();
        assert_eq!(names, ["demo.css", "demo.js"], "everything the page loads, and nothing from elsewhere");
        assert!(names.iter().all(|name| file(name).is_some()));
    }

    #[test]
    fn only_the_three_names_are_files() {
        for path in ["/", "demo.js/", "../demo.js", "Demo.css", "index.html?x"] {
            assert_eq!(file(path), None, "{path}");
        }
    }

    #[test]
    fn nothing_is_loaded_from_another_address() {
        for name in ["index.html", "demo.css", "demo.js"] {
            assert!(!text(name).contains("https://"), "{name}");
            assert!(!text(name).contains("@import"), "{name}");
        }
        assert!(text("").contains("Content-Security-Policy"));
    }

    #[test]
    fn the_page_speaks_to_the_api_that_the_program_makes() {
        assert!(text("demo.js").contains(&format!("\"/_aws/execute-api/{API_ID}/{STAGE}\"")));
        assert!(PAGE_PATH.starts_with('/') && PAGE_PATH.ends_with('/'), "the page's names are relative to it");
    }
}
