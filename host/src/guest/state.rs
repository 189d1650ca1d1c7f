//! What the host knows of one running call: what it has used up, and what it has logged.

use wasmtime::ResourceLimiterAsync;
use wasmtime::component::HasSelf;

use super::bindings::graft::datasource::host::{self, LogLevel};
use super::bindings::graft::datasource::{context, frame, http};
use super::error::{Failure, GuestId};
use crate::budget::Hold;
use crate::limits::{
    GUEST_INSTANCES_MAX, GUEST_LOG_LINE_BYTES_MAX, GUEST_MEMORIES_MAX, GUEST_TABLE_ELEMENTS_MAX,
    GUEST_TABLES_MAX, Limits,
};

/// The data of a call's store.
pub(super) struct State {
    pub(super) memory: Memory,
    log: Log,
}

/// How much memory the call has, all memories and tables together, bytes.
pub(super) struct Memory {
    pub(super) used: usize,
    most: usize,
    /// The call's part of the memory of all queries.
    hold: Hold,
    /// What the guest wanted more of than it may have, the last time it wanted any. What it does then is seldom graceful.
    pub(super) refused: Option<Failure>,
}

/// The log of one call.
struct Log {
    guest: GuestId,
    /// Lines that may still be written, the one that says so when there are no more included.
    left: u32,
}

/// How the linker finds the imports' state in a store.
pub(super) type HasState = HasSelf<State>;

impl State {
    /// `hold` is what the call's memory is taken from.
    pub(super) fn new(guest: GuestId, limits: &Limits, hold: Hold) -> Self {
        let most = limits.guest_memory_bytes;
        Self {
            memory: Memory { used: 0, most, hold, refused: None },
            log: Log { guest, left: limits.guest_log_lines.saturating_add(1) },
        }
    }
}

impl Memory {
    /// Takes `more` bytes: false if the call may not have them. Waits while other queries use what there is for all.
    async fn take(&mut self, more: usize) -> wasmtime::Result<bool> {
        let used = self.used.checked_add(more).filter(|used| *used <= self.most);
        let Some(used) = used else { return Ok(self.refuse(Failure::Memory(self.most))) };
        self.refused = None;
        self.hold.take(more).await.map_err(Failure::NoMemory)?;
        self.used = used;
        Ok(true)
    }

    /// Remembers why the guest does not get what it wants.
    fn refuse(&mut self, failure: Failure) -> bool {
        self.refused = Some(failure);
        false
    }
}

#[async_trait::async_trait]
impl ResourceLimiterAsync for Memory {
    async fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        // wasmtime asks before it looks at what the module itself allows.
        let allowed = maximum.is_none_or(|maximum| desired <= maximum);
        Ok(allowed && self.take(desired.saturating_sub(current)).await?)
    }

    async fn table_growing(
        &mut self,
        current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        if desired > GUEST_TABLE_ELEMENTS_MAX {
            return Ok(self.refuse(Failure::Table));
        }
        self.take(desired.saturating_sub(current).saturating_mul(size_of::<usize>())).await
    }

    fn instances(&self) -> usize {
        GUEST_INSTANCES_MAX
    }

    fn tables(&self) -> usize {
        GUEST_TABLES_MAX
    }

    fn memories(&self) -> usize {
        GUEST_MEMORIES_MAX
    }
}

/// Interfaces of types alone: there is nothing to implement.
impl context::Host for State {}
impl frame::Host for State {}
impl http::Host for State {}

/// The one function that guests may call.
impl host::Host for State {
    fn log(&mut self, level: LogLevel, message: String) {
        self.log.write(level, &message);
    }
}

impl Log {
    fn write(&mut self, level: LogLevel, message: &str) {
        let GuestId { name, version } = &self.guest;
        match self.left {
            0 => return,
            1 => tracing::warn!(
                target: "guest",
                guest = %name,
                version = %version,
                "More log lines of this call are dropped (limit guest_log_lines)"
            ),
            _ => {
                let message = one_line(message);
                macro_rules! write {
                    ($level:ident) => {
                        tracing::$level!(target: "guest", guest = %name, version = %version, "{message}")
                    };
                }
                match level {
                    LogLevel::Debug => write!(debug),
                    LogLevel::Info => write!(info),
                    LogLevel::Warn => write!(warn),
                    LogLevel::Error => write!(error),
                }
            }
        }
        self.left -= 1;
    }
}

/// A message that cannot look like several lines, or like a terminal's commands.
fn one_line(message: &str) -> String {
    let mut end = message.len().min(GUEST_LOG_LINE_BYTES_MAX);
    while !message.is_char_boundary(end) {
        end -= 1;
    }
    let harmless = |character: char| match character {
        // What begins a new line, or has the rest of it read the other way round (Unicode Standard Annex 9).
        '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => ' ',
        control if control.is_control() => ' ',
        character => character,
    };
    message[..end].chars().map(harmless).collect()
}

#[cfg(test)]
mod tests {
    use tokio::time::Instant;

    use super::*;
    use crate::budget::{Budget, Lane, NoMemory};

    #[test]
    fn a_message_is_cut_at_a_character_and_keeps_to_one_line() {
        assert_eq!(one_line("a\nb\u{1b}[31m"), "a b [31m");
        assert_eq!(one_line("a\u{202e}b\u{2028}c"), "a b c");
        let long = "é".repeat(GUEST_LOG_LINE_BYTES_MAX);
        assert_eq!(one_line(&long).len(), GUEST_LOG_LINE_BYTES_MAX);
        assert_eq!(one_line(&format!("x{long}")).len(), GUEST_LOG_LINE_BYTES_MAX - 1);
    }

    fn memory(limits: &Limits) -> Memory {
        let allowance = Budget::new(limits).allow(Lane::HOST, Instant::now());
        let id = GuestId { name: "any".into(), version: "".into() };
        State::new(id, limits, allowance.hold()).memory
    }

    #[tokio::test(start_paused = true)]
    async fn memories_and_tables_share_one_budget() {
        let mut memory = memory(&Limits { guest_memory_bytes: 1_000, ..Limits::default() });
        assert!(memory.memory_growing(0, 600, None).await.unwrap());
        assert!(memory.table_growing(0, 10, None).await.unwrap());
        assert!(!memory.memory_growing(600, 921, None).await.unwrap());
        assert_eq!(memory.refused, Some(Failure::Memory(1_000)));
        assert!(memory.memory_growing(600, 920, None).await.unwrap(), "less can still be had");
        assert_eq!((memory.used, memory.refused), (1_000, None));
    }

    #[tokio::test(start_paused = true)]
    async fn what_the_module_itself_does_not_allow_is_not_counted() {
        let mut memory = memory(&Limits { guest_memory_bytes: 1_000, ..Limits::default() });
        assert!(!memory.memory_growing(0, 600, Some(500)).await.unwrap());
        assert_eq!((memory.used, memory.refused), (0, None));
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_that_gets_none_of_the_memory_for_all_says_so() {
        let limits = Limits { memory_bytes: 1_000, ..Limits::default() };
        let budget = Budget::new(&limits);
        let mut all = budget.allow(Lane::HOST, Instant::now()).hold();
        all.take(900).await.unwrap();
        let id = GuestId { name: "any".into(), version: "".into() };
        let hold = budget.allow(Lane::HOST, Instant::now()).hold();
        let mut memory = State::new(id, &limits, hold).memory;
        let error = memory.memory_growing(0, 101, None).await.unwrap_err();
        let failure = error.downcast_ref::<Failure>();
        assert_eq!(failure, Some(&Failure::NoMemory(NoMemory::InTime(1_000))));
    }
}
