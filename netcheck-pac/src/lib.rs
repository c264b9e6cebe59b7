//! Proxy auto-configuration.
