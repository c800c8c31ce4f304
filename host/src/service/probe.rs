//! The answers for health checkers and Prometheus.

/// An answer is true for the moment only.
pub(super) const FIELDS: &[(&str, &str)] = &[("Content-Type", "text/plain"), ("Cache-Control", "no-store")];

/// Prometheus' text format.
pub(super) const METRICS_FIELDS: &[(&str, &str)] =
    &[("Content-Type", "text/plain; version=0.0.4; charset=utf-8"), ("Cache-Control", "no-store")];
