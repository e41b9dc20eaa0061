//! Other clients of the record format.
