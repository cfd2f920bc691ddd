//! Room for parsers that recurse as deep as their text nests. Threads have stacks of 2 MiB, which a kilobyte of `((((…`
//! overflows, and that ends the process: nothing can be caught.

/// Stack for each level of a parser. Without optimisation the deepest of them takes 10 KiB for one, with it up to
/// 4 KiB.
const PER_NESTING: usize = 16 << 10;
/// Stack for no level.
const LEAST: usize = 256 << 10;

/// Stack for each level of a check of a value against a schema.
const PER_LEVEL: usize = 4 << 10;

/// Runs `check`, which recurses for each level. `most` is no less than there are; only where that is more than there is room
/// for, `levels` counts them.
pub(crate) fn with_room_for_levels<T>(
    most: usize,
    levels: impl FnOnce() -> usize,
    check: impl FnOnce() -> T,
) -> T {
    let room = |levels: usize| LEAST + levels.saturating_mul(PER_LEVEL);
    if stacker::remaining_stack().is_some_and(|left| left >= room(most)) {
        return check();
    }
    let room = room(levels().min(most));
    stacker::maybe_grow(room, room, check)
}

/// Runs `parse`, which recurses at most so many levels (one for each byte of a text, if nothing better is known), where there
/// is room for that. What it makes must be dropped inside, or be flat. The stack is mapped, so that only what is used of it
/// takes memory.
pub(crate) fn with_room_for<T>(levels: usize, parse: impl FnOnce() -> T) -> T {
    let room = LEAST + levels.saturating_mul(PER_NESTING);
    stacker::maybe_grow(room, room, parse)
}
