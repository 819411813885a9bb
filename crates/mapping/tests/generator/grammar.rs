//! Templates after the grammar: they parse, with few exceptions, and do something.

use rand::RngExt as _;
use rand::rngs::StdRng;

use super::pick;
use super::words::{
    BLANKS, FLOATS, FORMATS, INTEGERS, METHODS, NAMES, OBJECTS, PROPERTIES, REGEXES, REPLACEMENTS, SETTINGS, TEXTS,
    WORDS,
};

const DEPTH_MAX: usize = 4;
/// A template, mostly with settings in front.
pub(crate) fn template(random: &mut StdRng) -> String {
    let mut out = String::new();
    for setting in SETTINGS {
        if random.random_bool(0.75) {
            out.push_str(setting);
            out.push_str(pick(random, BLANKS));
        }
    }
    statements(random, &mut out, 0);
    out
}

fn statements(random: &mut StdRng, out: &mut String, depth: usize) {
    for _ in 0..random.random_range(1..5) {
        out.push_str(pick(random, BLANKS));
        statement(random, out, depth);
    }
    out.push_str(pick(random, BLANKS));
}

fn statement(random: &mut StdRng, out: &mut String, depth: usize) {
    match random.random_range(0..if depth < DEPTH_MAX { 24 } else { 16 }) {
        0..3 => out.push_str(pick(random, TEXTS)),
        3 if random.random_bool(0.3) => out.push_str(pick(random, &["$k", "${k}", "$!k", "$block", "$k.a", "x$k()"])),
        3..9 => reference(random, out, depth),
        9..13 => {
            out.push_str(pick(random, &["#set(", "#set( ", "#{set}("]));
            target(random, out, depth);
            out.push_str(pick(random, &[" = ", "=", "= "]));
            expression(random, out, depth);
            out.push(')');
        }
        13 => out.push_str(pick(
            random,
            &["## comment\n", "#* block *#", "#[[ $raw #set ]]#", "#** doc *#", "##\n", "#[[]]#"],
        )),
        14 => out.push_str(pick(
            random,
            &[
                "\\$s",
                "\\\\$s",
                "\\#if(true)",
                "\\$unknown",
                "$!",
                "${",
                "\\#end",
                "#foo($s)",
                "#bar",
                "#@q()x#end",
                "\\\\#if(true)y#end",
                "#literal()$s#end",
                "\\$!s",
                "\\\\\\$n",
            ],
        )),
        15 if random.random_bool(0.2) => out.push_str(pick(random, &["#stop", "#break", "#break($foreach.parent)"])),
        15 => reference(random, out, depth),
        16..20 => {
            out.push_str("#if(");
            expression(random, out, depth);
            out.push(')');
            statements(random, out, depth + 1);
            if random.random_bool(0.3) {
                out.push_str("#elseif(");
                expression(random, out, depth);
                out.push(')');
                statements(random, out, depth + 1);
            }
            if random.random_bool(0.4) {
                out.push_str(pick(random, &["#else", "#{else}", "#else\n"]));
                out.push_str(pick(random, &[" ", "\n", ""]));
                statements(random, out, depth + 1);
            }
            out.push_str(pick(random, &["#end", "#{end}", "#end\n", "#end "]));
        }
        20..23 => {
            out.push_str(&format!("#foreach(${} in ", pick(random, &["i", "e", "x", "n", "i"])));
            match random.random_range(0..4) {
                0 => reference(random, out, depth),
                1 => out.push_str(pick(
                    random,
                    &[
                        "$l",
                        "$m",
                        "$j",
                        "$p",
                        "$m.keySet()",
                        "$m.entrySet()",
                        "$j.keySet()",
                        "$l.iterator()",
                        "[1..4]",
                        "[$n..3]",
                    ],
                )),
                _ => argument(random, out, depth),
            }
            out.push(')');
            statements(random, out, depth + 1);
            out.push_str(pick(
                random,
                &["$foreach.count", "#if($foreach.hasNext),#end", "$foreach.index", "$velocityCount", "", "", ""],
            ));
            out.push_str(pick(random, &["#end", "#{end}", "#end\n"]));
        }
        _ => {
            out.push_str(&format!("#define(${})", pick(random, &["k", "block"])));
            statements(random, out, depth + 1);
            out.push_str("#end");
        }
    }
}

fn target(random: &mut StdRng, out: &mut String, depth: usize) {
    match random.random_range(0..10) {
        0..6 => out.push_str(pick(random, &["$x", "$y", "$s", "$l", "$m", "$n", "$f", "$t", "$i"])),
        6 => out.push_str(pick(
            random,
            &[
                "$m.a",
                "$m.new",
                "$j.a",
                "$m.c.d",
                "$x.y",
                "${m.b}",
                "$context.requestOverride.header.a",
                "$context.responseOverride.status",
            ],
        )),
        7 => out.push_str(pick(
            random,
            &["$l[0]", "$m[\"a\"]", "$l[-1]", "$j['b']", "$m[1]", "$x[0]", "$l[9]", "$p[0]", "$j.items[0]"],
        )),
        8 => out.push_str(pick(random, &["${x}", "$!x", "$!{y}", "$m.b[0]"])),
        _ => reference(random, out, depth),
    }
}

/// A reference with up to three steps behind its name, or one of the gateway's objects.
fn reference(random: &mut StdRng, out: &mut String, depth: usize) {
    if random.random_bool(0.2) {
        let object = pick(random, OBJECTS);
        let object = filled(random, object, depth);
        out.push_str(&object);
        if random.random_bool(0.7) {
            return;
        }
        return chain(random, out, depth);
    }
    let name = pick(random, NAMES);
    let quiet = if random.random_bool(0.15) { "!" } else { "" };
    if random.random_bool(0.25) {
        out.push_str(&format!("${quiet}{{{name}"));
        chain(random, out, depth);
        out.push('}');
    } else {
        out.push_str(&format!("${quiet}{name}"));
        chain(random, out, depth);
    }
}

fn chain(random: &mut StdRng, out: &mut String, depth: usize) {
    for _ in 0..random.random_range(0..3) {
        match random.random_range(0..8) {
            0 | 1 => {
                out.push('.');
                out.push_str(pick(random, PROPERTIES));
            }
            2..7 => {
                out.push('.');
                let method = pick(random, METHODS);
                let method = filled(random, method, depth);
                out.push_str(&method);
            }
            _ => {
                out.push_str(pick(random, &["[0]", "[-1]", "[1]", "[\"a\"]", "['b']", "[$n]", "[$i]", "[9]", "[true]"]))
            }
        }
    }
}

/// The capitals of a pattern replaced by arguments of their kind, or now and then by another.
fn filled(random: &mut StdRng, pattern: &str, depth: usize) -> String {
    let Some((name, arguments)) = pattern.split_once('(') else {
        return pattern.to_owned();
    };
    let mut out = format!("{name}(");
    for letter in arguments.chars() {
        let before = out.chars().last();
        if !letter.is_ascii_uppercase() || !matches!(before, Some('(' | ' ')) {
            out.push(letter);
            continue;
        }
        match if random.random_bool(0.08) { 'A' } else { letter } {
            'I' if random.random_bool(0.2) => out.push_str("$n"),
            'I' => out.push_str(pick(random, &["0", "1", "2", "3", "-1", "5", "12"])),
            'S' if random.random_bool(0.2) => out.push_str("$s"),
            'S' => out.push_str(&format!("'{}'", pick(random, WORDS))),
            'R' => out.push_str(pick(random, REGEXES)),
            'T' => out.push_str(pick(random, REPLACEMENTS)),
            'F' => out.push_str(pick(random, FORMATS)),
            'L' => out.push_str(pick(
                random,
                &["$l", "[1, 2]", "[\"a\", 3]", "[]", "$j.items", "$m.values()", "$m.keySet()", "$p"],
            )),
            'M' => out.push_str(pick(random, &["$m", "{\"z\": 1}", "{}", "$j"])),
            'J' => out.push_str(pick(
                random,
                &[
                    "'{\"a\": [1, {\"b\": null}]}'",
                    "'[1.50, 2e3, \"x/y\"]'",
                    "'text'",
                    "''",
                    "'{a: b'",
                    "$input.json('$.a')",
                ],
            )),
            _ => argument(random, &mut out, depth),
        }
    }
    out
}

/// What may stand in a method's arguments, a list or a map: no operators.
fn argument(random: &mut StdRng, out: &mut String, depth: usize) {
    match random.random_range(0..if depth < DEPTH_MAX { 14 } else { 7 }) {
        0 | 1 => out.push_str(pick(random, INTEGERS)),
        2 => out.push_str(pick(random, FLOATS)),
        3 | 4 => out.push_str(&format!("'{}'", pick(random, WORDS))),
        5 => out.push_str(pick(random, &["true", "false", "$s", "$n", "$l", "$m"])),
        6 => out.push_str(pick(random, &["$j", "$i", "$x", "$y", "$unknown", "$f"])),
        7 | 8 => reference(random, out, depth + 1),
        9 => {
            out.push('"');
            for _ in 0..random.random_range(0..3) {
                match random.random_range(0..4) {
                    0 => out.push_str(pick(random, &["a", " ", "\\u0041", "\n", "''", "é", "\\", "$", "#", "\"\""])),
                    1 => out.push_str(pick(
                        random,
                        &["#if($t)y#end", "#foreach($q in [1..3])$q#end", "#set($y = 1)", "##", "\\$s", "#*c*#"],
                    )),
                    _ => out.push_str(pick(
                        random,
                        &["$s", "${n}", "$m.a", "$!x", "${m.c.d}", "$l[0]", "$j.a", "$l.size()", "$unknown", "$f"],
                    )),
                }
            }
            out.push('"');
        }
        10 | 11 => {
            out.push('[');
            items(random, out, depth, false);
            out.push(']');
        }
        12 => {
            out.push('{');
            items(random, out, depth, true);
            out.push('}');
        }
        _ => out.push_str(pick(random, &["[1..3]", "[3..1]", "[$n..10]", "[-1..1]", "[0..$n]", "[1 .. 2]"])),
    }
}

fn items(random: &mut StdRng, out: &mut String, depth: usize, pairs: bool) {
    for index in 0..random.random_range(0..4) {
        if index > 0 {
            out.push_str(", ");
        }
        if pairs {
            out.push_str(pick(random, &["\"a\"", "'b'", "1", "$s", "\"k$n\"", "true", "1.5", "'c'"]));
            out.push_str(pick(random, &[": ", ":", " : "]));
        }
        argument(random, out, depth + 1);
    }
}

fn expression(random: &mut StdRng, out: &mut String, depth: usize) {
    match random.random_range(0..if depth < DEPTH_MAX { 12 } else { 6 }) {
        0..3 => argument(random, out, depth),
        3..6 => reference(random, out, depth),
        6 => {
            out.push_str(pick(random, &["!", "not ", "!!"]));
            out.push('(');
            expression(random, out, depth + 1);
            out.push(')');
        }
        7 => {
            out.push('(');
            expression(random, out, depth + 1);
            out.push(')');
        }
        _ => {
            expression(random, out, depth + 1);
            let operator = pick(
                random,
                &[
                    "+", "+", "-", "*", "/", "%", "==", "!=", "<", ">", "<=", ">=", "&&", "||", "and", "or", "eq",
                    "ne", "lt", "ge",
                ],
            );
            out.push_str(&format!(" {operator} "));
            expression(random, out, depth + 1);
        }
    }
}
