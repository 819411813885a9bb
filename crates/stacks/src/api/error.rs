//! What CloudFormation says where it does not do what it is asked, each text beside its source.
//!
//! Sources: the model's names and statuses; texts are observed (in public reports, and in what the tools look for in them)
//! unless something else is said.

/// Why a call is not done.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Error {
    /// Of HTTP.
    pub status: u16,
    /// Such as `ValidationError`.
    pub code: &'static str,
    /// A sentence.
    pub message: String,
}

impl Error {
    /// What is said under a code.
    pub fn new(status: u16, code: &'static str, message: impl Into<String>) -> Error {
        Error { status, code, message: message.into() }
    }
}

/// How much of what a caller sent an answer repeats.
const SHOWN_CHARS_MAX: usize = 200;

fn shown(text: &str) -> String {
    text.chars().take(SHOWN_CHARS_MAX).collect()
}

pub(crate) fn validation(message: impl Into<String>) -> Error {
    Error::new(400, "ValidationError", message)
}

/// A member that does not fit its constraint.
pub(crate) fn constraint(value: &str, member: &str, constraint: &str) -> Error {
    let value = shown(value);
    validation(format!(
        "1 validation error detected: Value '{value}' at '{member}' failed to satisfy constraint: {constraint}"
    ))
}

/// There is no stack of a name or id: what `describe-stacks` and most others say. Tools look for "does not exist".
pub fn no_stack(name: &str) -> Error {
    validation(format!("Stack with id {} does not exist", shown(name)))
}

/// The same, of what changes stacks, and of events.
pub fn no_such_stack(name: &str) -> Error {
    validation(format!("Stack [{}] does not exist", shown(name)))
}

/// There is a stack already.
pub fn stack_exists(name: &str) -> Error {
    Error::new(400, "AlreadyExistsException", format!("Stack [{name}] already exists"))
}

/// A stack is there that a change set of type CREATE is for.
pub fn stack_exists_for(name: &str, change_set: &str) -> Error {
    validation(format!("Stack [{name}] already exists and cannot be created again with the changeSet [{change_set}]."))
}

/// A stack is in no state to be changed.
pub fn not_updatable(id: &str, status: &str) -> Error {
    validation(format!("Stack:{id} is in {status} state and can not be updated."))
}

/// An update that changes nothing.
pub fn nothing_to_do() -> Error {
    validation("No updates are to be performed.")
}

/// A stack that may not go.
pub fn protected(name: &str) -> Error {
    validation(format!("Stack [{name}] cannot be deleted while TerminationProtection is enabled"))
}

/// There is no change set of a name or id. Code and status: documented.
pub fn no_change_set(name: &str) -> Error {
    Error::new(404, "ChangeSetNotFound", format!("ChangeSet [{}] does not exist", shown(name)))
}

/// There is a change set already.
pub fn change_set_exists(name: &str) -> Error {
    Error::new(400, "AlreadyExistsException", format!("ChangeSet [{name}] already exists"))
}

/// A change set that cannot be executed, or not any more.
pub fn not_executable(id: &str, status: &str) -> Error {
    let text = format!("ChangeSet [{id}] cannot be executed in its current status of [{status}]");
    Error::new(400, "InvalidChangeSetStatus", text)
}

/// The action is not one of those that are answered here.
pub fn unknown_action(action: &str, version: &str) -> Error {
    let (action, version) = (shown(action), shown(version));
    Error::new(400, "InvalidAction", format!("Could not find operation {action} for version {version}"))
}

/// A page's token is none that was given. Inferred.
pub(crate) fn wrong_token() -> Error {
    validation("The NextToken is not one that this call has given")
}
