//! How far apart two distributions are: every measure and test, over counts or over samples.
//!
//! What is compared is counts over the same bins ([`counts`]), sorted samples ([`samples`]), or tables of counts ([`tests`]). Nothing here gives
//! NaN: where there is nothing to measure the answer is `None`. The numbers are those of scipy 1.17, to 1e-9 of their size.

pub mod counts;
pub mod kolmogorov;
pub mod samples;
pub(crate) mod special;
pub mod tests;
