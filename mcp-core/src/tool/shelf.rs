//! Where compiled tools are kept: as many as a bound for the memory of all of them allows. What is not called gives way, and is
//! compiled again when somebody asks for it.

use super::CompiledTool;
use arc_swap::ArcSwapOption;
use mcp_common::byte_size::ByteSize;
use std::{
    collections::VecDeque,
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

/// The bound where nobody sets one.
const DEFAULT_LIMIT: u64 = 256 << 20;
/// Dead places among the others before they are swept.
const SWEPT: usize = 256;

/// The compiled tools of a catalog, up to a bound of bytes.
pub struct Shelf {
    limit: u64,
    state: Mutex<State>,
    evicted: AtomicU64,
    again: AtomicU64,
}

#[derive(Default)]
struct State {
    /// Those that are kept, the next one to be looked at first. Places whose tool is gone are among them for a while.
    order: VecDeque<Weak<Place>>,
    kept: usize,
    bytes: u64,
}

/// The place of one tool. Empty where there was no room.
pub(super) struct Place {
    tool: ArcSwapOption<CompiledTool>,
    /// Whether it was asked for since it was looked at last.
    is_used: AtomicBool,
}

impl Shelf {
    /// A shelf for about that many bytes.
    pub fn new(limit: u64) -> Self {
        Self {
            limit,
            state: Mutex::default(),
            evicted: AtomicU64::new(0),
            again: AtomicU64::new(0),
        }
    }

    /// The most bytes that are kept.
    pub fn limit(&self) -> u64 {
        self.limit
    }

    /// About the bytes that are kept now.
    pub fn bytes(&self) -> u64 {
        self.lock().bytes
    }

    /// The tools that are kept now.
    pub fn tools(&self) -> usize {
        self.lock().kept
    }

    /// How many tools have given way to others.
    pub fn evicted(&self) -> u64 {
        self.evicted.load(Ordering::Relaxed)
    }

    /// How often a tool was compiled again because it was asked for.
    pub fn compiled_again(&self) -> u64 {
        self.again.load(Ordering::Relaxed)
    }

    pub(super) fn count_again(&self) {
        self.again.fetch_add(1, Ordering::Relaxed);
    }

    /// Keeps the tool if there is room for it, and no more than `most` are there.
    pub(super) fn offer(&self, place: &Arc<Place>, tool: &Arc<CompiledTool>, most: usize) {
        let mut state = self.lock();
        if state.kept < most && state.bytes.saturating_add(tool.memory) <= self.limit {
            state.put(place, tool);
        }
    }

    /// Keeps the tool, which was asked for. Others give way to it, those first that were not asked for lately; one that is larger
    /// than the bound by itself is not kept.
    pub(super) fn keep(&self, place: &Arc<Place>, tool: &Arc<CompiledTool>) {
        if tool.memory > self.limit {
            return;
        }
        let mut state = self.lock();
        // Those that are asked for all the time have their turn in the second round.
        let mut spared = state.order.len();
        while state.bytes.saturating_add(tool.memory) > self.limit {
            let Some(next) = state.order.pop_front() else {
                break;
            };
            let Some(other) = next.upgrade() else {
                continue;
            };
            if spared > 0 && other.is_used.swap(false, Ordering::Relaxed) {
                spared -= 1;
                state.order.push_back(next);
            } else if state.take(&other) {
                self.evicted.fetch_add(1, Ordering::Relaxed);
            }
        }
        state.put(place, tool);
    }

    /// Nobody will ask for it any more.
    pub(super) fn forget(&self, place: &Place) {
        let mut state = self.lock();
        state.take(place);
        if state.order.len() > 2 * state.kept + SWEPT {
            state.order.retain(|place| place.strong_count() > 0);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn put(&mut self, place: &Arc<Place>, tool: &Arc<CompiledTool>) {
        if place.tool.load().is_some() {
            return;
        }
        place.tool.store(Some(tool.clone()));
        self.order.push_back(Arc::downgrade(place));
        self.kept += 1;
        self.bytes += tool.memory;
    }

    fn take(&mut self, place: &Place) -> bool {
        let Some(tool) = place.tool.swap(None) else {
            return false;
        };
        self.kept -= 1;
        self.bytes -= tool.memory;
        true
    }
}

impl Place {
    pub(super) fn empty() -> Arc<Self> {
        Arc::new(Self {
            tool: ArcSwapOption::empty(),
            is_used: AtomicBool::new(false),
        })
    }

    /// The tool, if it is kept.
    pub(super) fn tool(&self) -> Option<Arc<CompiledTool>> {
        let tool = self.tool.load_full()?;
        // Written only where it changes, so that calls do not take the line from each other.
        if !self.is_used.load(Ordering::Relaxed) {
            self.is_used.store(true, Ordering::Relaxed);
        }
        Some(tool)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.tool.load().is_none()
    }
}

impl Default for Shelf {
    fn default() -> Self {
        Self::new(DEFAULT_LIMIT)
    }
}

impl fmt::Debug for Shelf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shelf")
            .field("limit", &ByteSize(self.limit))
            .finish_non_exhaustive()
    }
}
