//! What the condition operators compare, one value with one. Source: documented.

use std::net::IpAddr;

use crate::policy::keys::Keys;
use crate::policy::pattern::{Pattern, Reads};
use crate::policy::truth::Truth;
use crate::time;

/// What an operator compares, without `Not`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Compares {
    Text(Texts),
    Number(Order),
    Date(Order),
    Bool,
    Ip,
    Arn,
}

/// How texts are compared: with wildcards or without, in any case or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Texts {
    pub(super) wildcards: bool,
    pub(super) case: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    Equal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// A value of a condition, read.
#[derive(Clone, Debug)]
pub(super) enum Wanted {
    Text(Pattern),
    Arn(Pattern),
    Number(f64),
    Date(i64),
    Bool(bool),
    /// An address and how many of its bits count.
    Net(IpAddr, u8),
    /// It holds a variable where only a value can be compared.
    Unknown,
}

/// An operator by its name, without qualifiers: what it compares, and whether it asks for the contrary.
pub(super) fn find(name: &str) -> Option<(Compares, bool)> {
    let text = |wildcards, case| Compares::Text(Texts { wildcards, case });
    Some(match name {
        "StringEquals" => (text(false, true), false),
        "StringNotEquals" => (text(false, true), true),
        "StringEqualsIgnoreCase" => (text(false, false), false),
        "StringNotEqualsIgnoreCase" => (text(false, false), true),
        "StringLike" => (text(true, true), false),
        "StringNotLike" => (text(true, true), true),
        "NumericEquals" => (Compares::Number(Order::Equal), false),
        "NumericNotEquals" => (Compares::Number(Order::Equal), true),
        "NumericLessThan" => (Compares::Number(Order::Less), false),
        "NumericLessThanEquals" => (Compares::Number(Order::LessOrEqual), false),
        "NumericGreaterThan" => (Compares::Number(Order::Greater), false),
        "NumericGreaterThanEquals" => (Compares::Number(Order::GreaterOrEqual), false),
        "DateEquals" => (Compares::Date(Order::Equal), false),
        "DateNotEquals" => (Compares::Date(Order::Equal), true),
        "DateLessThan" => (Compares::Date(Order::Less), false),
        "DateLessThanEquals" => (Compares::Date(Order::LessOrEqual), false),
        "DateGreaterThan" => (Compares::Date(Order::Greater), false),
        "DateGreaterThanEquals" => (Compares::Date(Order::GreaterOrEqual), false),
        "Bool" => (Compares::Bool, false),
        "IpAddress" => (Compares::Ip, false),
        "NotIpAddress" => (Compares::Ip, true),
        // Documented to be the same.
        "ArnEquals" | "ArnLike" => (Compares::Arn, false),
        "ArnNotEquals" | "ArnNotLike" => (Compares::Arn, true),
        _ => return None,
    })
}

/// Reads a value that an operator is to compare with.
///
/// # Errors
/// What it should be.
pub(super) fn read(compares: Compares, text: &str, variables: bool) -> Result<Wanted, String> {
    let reads = |wildcards, case| Reads { variables, wildcards, case };
    let holds_variable = variables && text.contains("${");
    let value = match compares {
        Compares::Text(Texts { wildcards, case }) => {
            return Pattern::parse(text, reads(wildcards, case)).map(Wanted::Text);
        }
        Compares::Arn => return Pattern::parse(text, reads(true, true)).map(Wanted::Arn),
        _ if holds_variable => return Ok(Wanted::Unknown),
        Compares::Number(_) => text.parse().ok().filter(|number: &f64| number.is_finite()).map(Wanted::Number),
        Compares::Date(_) => time::from_iso(text).map(Wanted::Date),
        Compares::Bool => truth(text).map(Wanted::Bool),
        Compares::Ip => net(text).map(|(ip, bits)| Wanted::Net(ip, bits)),
    };
    value.ok_or_else(|| {
        let form = match compares {
            Compares::Number(_) => "number",
            Compares::Date(_) => "date, such as 2026-01-15T12:00:00Z",
            Compares::Bool => "truth value: true or false",
            _ => "address or network, such as 203.0.113.0/24",
        };
        format!("`{text}` is no {form}")
    })
}

/// Whether a call's value is the one that is wanted, in the order that is.
pub(super) fn fits(compares: Compares, wanted: &Wanted, value: &str, keys: &Keys) -> Truth {
    let ordered = |order, ordering: Option<std::cmp::Ordering>| {
        // A value that is none of its kind fits nothing, and not its contrary either.
        ordering.map_or(Truth::Unknown, |ordering| {
            Truth::of(match order {
                Order::Equal => ordering.is_eq(),
                Order::Less => ordering.is_lt(),
                Order::LessOrEqual => ordering.is_le(),
                Order::Greater => ordering.is_gt(),
                Order::GreaterOrEqual => ordering.is_ge(),
            })
        })
    };
    match (compares, wanted) {
        (_, Wanted::Unknown) => Truth::Unknown,
        (_, Wanted::Text(pattern)) => pattern.fits(value, keys),
        (_, Wanted::Arn(pattern)) => {
            let (patterns, values) = (pattern.arn_parts(), value.splitn(6, ':'));
            let parts: Vec<_> = values.collect();
            if parts.len() != patterns.len() {
                return Truth::No;
            }
            Truth::all(patterns.iter().zip(parts).map(|(pattern, part)| pattern.fits(part, keys)))
        }
        (Compares::Number(order), Wanted::Number(wanted)) => {
            ordered(order, value.parse::<f64>().ok().and_then(|value| value.partial_cmp(wanted)))
        }
        (Compares::Date(order), Wanted::Date(wanted)) => {
            ordered(order, time::from_iso(value).map(|value| value.cmp(wanted)))
        }
        (_, Wanted::Bool(wanted)) => truth(value).map_or(Truth::Unknown, |value| Truth::of(value == *wanted)),
        (_, Wanted::Net(ip, bits)) => {
            value.parse::<IpAddr>().map_or(Truth::Unknown, |value| Truth::of(is_in(value.to_canonical(), *ip, *bits)))
        }
        _ => Truth::Unknown,
    }
}

fn truth(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "true" => Some(true),
        "false" => Some(false),
        _ => None,
    }
}

fn net(text: &str) -> Option<(IpAddr, u8)> {
    let (ip, bits) = text.split_once('/').map_or((text, None), |(ip, bits)| (ip, Some(bits)));
    let ip: IpAddr = ip.parse().ok()?;
    let most = if ip.is_ipv4() { 32 } else { 128 };
    let bits = bits.map_or(Some(most), |bits| bits.parse().ok().filter(|bits| *bits <= most))?;
    Some((ip, bits))
}

fn is_in(ip: IpAddr, net: IpAddr, bits: u8) -> bool {
    match (ip, net) {
        (IpAddr::V4(ip), IpAddr::V4(net)) => (u32::from(ip) ^ u32::from(net)).leading_zeros() >= u32::from(bits),
        (IpAddr::V6(ip), IpAddr::V6(net)) => (u128::from(ip) ^ u128::from(net)).leading_zeros() >= u32::from(bits),
        _ => false,
    }
}
