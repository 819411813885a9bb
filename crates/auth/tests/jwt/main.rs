//! Tokens: what lets in, what does not and in which words, and what another reader of tokens says of them.

mod mutations;
mod oracle;
mod signing;
mod traps;
