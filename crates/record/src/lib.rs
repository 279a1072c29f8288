//! Keizu's words.
pub mod digest;
mod node;
mod path;
mod time;
mod value;
mod wire;
pub use digest::{Digest, Hash, NodeRef, ParseIdError, RecordId, RunId, Sha256, hex, unhex};
pub use node::{Name, NodeId};
pub use path::FilePath;
pub use time::Time;
pub use value::{LIST_DEPTH_MAX, Value};
