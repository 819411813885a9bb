//! What completes the command line in a shell, made from what the command line is made from.

use clap_complete::Shell;

use crate::args;

/// The script for one shell.
pub(crate) fn script(shell: Shell) -> Vec<u8> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut args::command(), "gatewright", &mut script);
    script
}

#[cfg(test)]
mod tests {
    use clap_complete::Shell;

    use super::script;

    #[test]
    fn each_shell_completes_every_command_and_the_options_of_settings() {
        for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
            let script = String::from_utf8(script(shell)).unwrap();
            for command in crate::args::command().get_subcommands().map(clap::Command::get_name) {
                assert!(script.contains(command), "{shell} {command}");
            }
            assert!(script.contains("data-dir"), "{shell}");
        }
    }
}
