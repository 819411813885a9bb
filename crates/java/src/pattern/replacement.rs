//! The replacement of `replaceAll`, with its groups.

/// Writes a replacement. Of `$12` only so many digits count as there are groups. `group`: the text of a group, `None` where
/// there is no such group, `Some(None)` where it took part in no match.
pub(super) fn expand<'t>(
    replacement: &str,
    group: &dyn Fn(usize) -> Option<Option<&'t str>>,
    out: &mut String,
) -> Result<(), String> {
    let mut chars = replacement.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\\' => out.push(chars.next().ok_or("the replacement ends with a backslash")?),
            '$' => {
                let first = chars.next().and_then(|c| c.to_digit(10)).ok_or("a `$` in a replacement needs a group")?;
                let mut number = first as usize;
                let mut found = group(number).ok_or_else(|| format!("no group {number}"))?;
                while let Some(digit) = chars.peek().and_then(|c| c.to_digit(10)) {
                    let longer = number * 10 + digit as usize;
                    let Some(text) = group(longer) else { break };
                    number = longer;
                    found = text;
                    chars.next();
                }
                out.push_str(found.unwrap_or_default());
            }
            c => out.push(c),
        }
    }
    Ok(())
}
