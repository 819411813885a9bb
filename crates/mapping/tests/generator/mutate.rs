//! Exchanges the pieces of a text, by words and signs rather than letters, so that much of what comes out still parses.

use rand::RngExt as _;
use rand::rngs::StdRng;

use super::pieces::PIECES;

/// How many pieces one change takes at most.
const SPAN_MAX: usize = 12;

/// `text` with some of its pieces deleted, doubled, swapped, or replaced by those of `other`.
pub(crate) fn mutated(random: &mut StdRng, text: &str, other: &str) -> String {
    let mut tokens = tokens(text);
    let others = self::tokens(other);
    for _ in 0..random.random_range(1..4) {
        let (start, end) = span(random, tokens.len());
        match random.random_range(0..7) {
            0 => {
                tokens.drain(start..end);
            }
            1 => {
                let doubled = tokens[start..end].to_vec();
                tokens.splice(end..end, doubled);
            }
            2 => {
                let (first, last) = (random.random_range(0..=start), start);
                tokens[first..end].rotate_left(last - first);
            }
            3 => {
                let (from, to) = span(random, others.len());
                tokens.splice(start..end, others[from..to].iter().copied());
            }
            4 => {
                let (from, to) = span(random, others.len());
                tokens.splice(start..start, others[from..to].iter().copied());
            }
            5 => tokens.insert(start, PIECES[random.random_range(0..PIECES.len())]),
            _ => {
                if !tokens.is_empty() && !others.is_empty() {
                    let at = random.random_range(0..tokens.len());
                    tokens[at] = others[random.random_range(0..others.len())];
                }
            }
        }
    }
    tokens.concat()
}

fn span(random: &mut StdRng, count: usize) -> (usize, usize) {
    let start = random.random_range(0..=count);
    let longest = if random.random_bool(0.6) { 2 } else { SPAN_MAX };
    (start, random.random_range(start..=count.min(start + longest)))
}

/// Words with the sign in front that makes them references or directives, runs of white space, and single signs.
fn tokens(text: &str) -> Vec<&str> {
    let mut tokens = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let word = |from: usize| {
            rest[from..].find(|c: char| !c.is_alphanumeric() && c != '_').map_or(rest.len(), |n| from + n)
        };
        let length = match first {
            '$' | '#' => word(1),
            c if c.is_whitespace() => rest.find(|c: char| !c.is_whitespace()).unwrap_or(rest.len()),
            c if c.is_alphanumeric() => word(0),
            c => c.len_utf8(),
        };
        let (token, after) = rest.split_at(length);
        tokens.push(token);
        rest = after;
    }
    tokens
}
