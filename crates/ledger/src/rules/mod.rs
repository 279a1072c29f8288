//! From observations to records.
