//! Small or fast: the one choice between them.

/// With the feature `compact` everything is done in one way, the smallest; without it, short messages in one frame take
/// a shorter way of their own.
pub(crate) const COMPACT: bool = cfg!(feature = "compact");
