//! Servers behind TLS.
