//! Room for parsers that recurse as deep as their text nests. Threads have stacks of 2 MiB, which a kilobyte of `((((…`
//! overflows, and that ends the process: nothing can be caught.

/// Stack for each byte of a text. Every byte may open one level; without optimisation the deepest of the parsers takes
/// 5 KiB for one.
const PER_BYTE: usize = 10 << 10;
/// Stack for a text of no length.
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

/// Runs `parse`, which recurses at most once for each of so many bytes, where there is room for that. What it makes must
/// be dropped inside, or be flat. The stack is mapped, so that only what is used of it takes memory.
pub(crate) fn with_room_for<T>(bytes: usize, parse: impl FnOnce() -> T) -> T {
    let room = LEAST + bytes.saturating_mul(PER_BYTE);
    stacker::maybe_grow(room, room, parse)
}
