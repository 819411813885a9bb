//! (being built)

#[allow(dead_code, reason = "the command that starts the demo arrives with the program itself")]
mod demo;

fn main() {}
