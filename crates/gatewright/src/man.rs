//! The manual's pages, made from what the command line is made from.

use clap_mangen::Man;

use crate::args;

/// The page of the program, or of one of its commands, in the form that `man` reads; `None` where there is no such command.
pub(crate) fn page(name: Option<&str>) -> Option<Vec<u8>> {
    let mut command = args::command();
    command.build();
    let command = match name {
        None => command,
        Some(name) => command.find_subcommand(name)?.clone(),
    };
    let mut page = Vec::new();
    // Writing to memory cannot fail.
    let _ = Man::new(command).render(&mut page);
    Some(page)
}

#[cfg(test)]
mod tests {
    use super::page;
    use crate::config::{Setting, TABLE};

    #[test]
    fn there_is_a_page_for_each_command_and_it_has_every_setting() {
        let serve = String::from_utf8(page(Some("serve")).unwrap()).unwrap();
        for name in TABLE.iter().filter_map(Setting::option) {
            assert!(serve.contains(&format!("\\-\\-{}", name.replace('-', "\\-"))), "{name}");
        }
        let all = String::from_utf8(page(None).unwrap()).unwrap();
        for command in crate::args::command().get_subcommands().map(clap::Command::get_name) {
            assert!(all.contains(&format!("gatewright\\-{}(1)", command.replace('-', "\\-"))), "{command}");
            assert!(page(Some(command)).is_some(), "{command}");
        }
        assert_eq!(page(Some("nothing")), None);
    }
}
