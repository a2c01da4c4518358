//! What a string means as a number.

pub(crate) mod extended;
pub(crate) mod integer_text;
