//! Builds the shim and the 32-bit stub that are embedded in the library.

fn main() {}
