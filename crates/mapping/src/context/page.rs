//! The table of the `$context` variables for people: docs/context.md.

use std::fmt::Write as _;

use super::{Of, Seen, VARIABLES, Variable};

/// docs/context.md as it is made from the table.
pub fn context_page() -> String {
    let mut page = String::from(
        "# `$context`\n\n\
         What an event knows of itself. Made from `crates/mapping/src/context/variables.rs`; a test holds the two together.\n\n\
         *Templates* write `$context.connectionId`, and `\"$context\"` prints what they see as AWS prints it; *parameter mappings*\n\
         write `context.connectionId`; *access logs* write `$context.connectionId` and get `-` where there is nothing.\n\n\
         | after `$context.` | seen by | what it is |\n|---|---|---|\n",
    );
    for row in VARIABLES.iter().flat_map(with_members) {
        let seen = match row.seen {
            Seen::Everywhere => "all three",
            Seen::AsText => "parameter mappings, access logs",
            Seen::InLogs => "access logs",
        };
        // Writing to a string cannot fail.
        let _ = writeln!(page, "| `{}` | {seen} | {} |", row.name, row.meaning);
    }
    page.push_str(
        "\nTemplates that name them also have `$context.requestOverride.header|querystring|path` and \
         `$context.responseOverride.header`,\nmaps to be filled, as REST APIs have (ours: the guide has them for REST APIs only).\n",
    );
    page
}

fn with_members(row: &'static Variable) -> Vec<&'static Variable> {
    match row.of {
        Of::Members(members) => members.iter().flat_map(with_members).collect(),
        Of::Value(_) => vec![row],
        Of::Authorizer(of_itself) => std::iter::once(row).chain(of_itself).collect(),
    }
}
