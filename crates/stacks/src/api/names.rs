//! Names and ids of stacks and change sets, and the pages of lists.

use super::error::{Error, constraint, wrong_token};
use super::form::Form;

/// The longest name of a stack or a change set. Source: the model.
const NAME_CHARS_MAX: usize = 128;
/// The longest ARN. Source: the model, of change sets.
const ARN_CHARS_MAX: usize = 1_600;
/// The longest token of a page. Source: the model.
const TOKEN_CHARS_MAX: usize = 1_024;
/// How many items a page has. Source: observed, of events and change sets; inferred, of others.
pub const PAGE: usize = 100;

/// Whether a text can be a name.
///
/// # Errors
/// AWS's texts.
pub fn check_name(name: &str, member: &str) -> Result<(), Error> {
    let is_letters = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    if name.chars().count() > NAME_CHARS_MAX {
        let text = format!("Member must have length less than or equal to {NAME_CHARS_MAX}");
        return Err(constraint(name, member, &text));
    }
    if !name.starts_with(|c: char| c.is_ascii_alphabetic()) || !is_letters {
        return Err(constraint(name, member, "Member must satisfy regular expression pattern: [a-zA-Z][-a-zA-Z0-9]*"));
    }
    Ok(())
}

/// A name, or an ARN.
///
/// # Errors
/// It is neither.
pub fn check_name_or_arn(name: &str, member: &str) -> Result<(), Error> {
    let is_arn = name.starts_with("arn:") && name.len() <= ARN_CHARS_MAX;
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | ':' | '/' | '.' | '_' | '+');
    if is_arn && name.chars().all(fits) { Ok(()) } else { check_name(name, member) }
}

/// The name in a stack's ARN, or the name itself.
pub fn name_of(name_or_arn: &str) -> &str {
    let named = name_or_arn.strip_prefix("arn:").and_then(|rest| rest.split_once(":stack/"));
    named.map_or(name_or_arn, |(_, rest)| rest.split('/').next().unwrap_or(rest))
}

/// The token of the page that is asked for.
///
/// # Errors
/// It is longer than any.
pub fn token(form: &Form) -> Result<Option<&str>, Error> {
    match form.text("NextToken") {
        Some(token) if token.chars().count() > TOKEN_CHARS_MAX => {
            let text = format!("Member must have length less than or equal to {TOKEN_CHARS_MAX}");
            Err(constraint(token, "nextToken", &text))
        }
        token => Ok(token),
    }
}

/// One page of items: those behind the one that the token names, and the token of the next page, where there is one.
///
/// A page goes on where the last one ended also where items came before it meanwhile.
///
/// # Errors
/// The token names none of them.
pub fn page<'i, T>(
    items: &'i [T],
    key: impl Fn(&T) -> String,
    token: Option<&str>,
) -> Result<(&'i [T], Option<String>), Error> {
    let from = match token {
        None => 0,
        Some(token) => items.iter().position(|item| key(item) == token).ok_or_else(wrong_token)? + 1,
    };
    let to = items.len().min(from + PAGE);
    let next = (to < items.len()).then(|| key(&items[to - 1]));
    Ok((&items[from..to], next))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_as_the_model_has_them() {
        let arn = "arn:aws:cloudformation:us-east-1:000000000000:stack/chat/11111111-2222";
        for name in ["a", "chat-1", arn] {
            check_name_or_arn(name, "stackName").unwrap();
        }
        assert_eq!((name_of(arn), name_of("chat")), ("chat", "chat"));
        for wrong in ["", "1a", "a_b", "ä", "arn:aws:<x>", &"x".repeat(129)] {
            assert_eq!(check_name_or_arn(wrong, "stackName").unwrap_err().code, "ValidationError", "{wrong}");
        }
    }

    #[test]
    fn pages_go_on_where_they_ended() {
        let items: Vec<usize> = (0..PAGE * 2 + 1).collect();
        let key = |item: &usize| item.to_string();
        let (first, next) = page(&items, key, None).unwrap();
        assert_eq!((first.len(), next.as_deref()), (PAGE, Some("99")));
        let (second, next) = page(&items, key, next.as_deref()).unwrap();
        assert_eq!((second[0], next.as_deref()), (PAGE, Some("199")));
        assert_eq!(page(&items, key, next.as_deref()).unwrap(), (&items[PAGE * 2..], None));
        assert!(page(&items, key, Some("x")).is_err());
        let long = "x".repeat(TOKEN_CHARS_MAX + 1);
        assert!(token(&Form::read(format!("NextToken={long}").as_bytes()).unwrap()).is_err());
    }
}
