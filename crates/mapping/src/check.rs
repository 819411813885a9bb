//! Whether a text is what a definition may hold, by the readers that plans are made with. Whoever asks words the refusal.

pub use crate::expression::{Direction, Mistake, check as selection_expression};
pub use crate::parameters::{WrongSide, check as parameter, is_declaration, is_identity_source, undeclared};
pub use crate::response::is_response_key;
pub use crate::validation::{WrongSchema, schema as model};

/// A mapping template.
///
/// # Errors
/// What is wrong, and where.
pub fn template(text: &str) -> Result<(), vtl::Error> {
    vtl::Template::parse(text).map(|_| ())
}
