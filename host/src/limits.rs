//! Every bound of the host, with the argument for its value. Admins change those that are fields of [`Limits`] through
//! grafana.ini `[plugin.<id>]`; the constants are part of the design and have no switch.

use std::time::Duration;

/// Incoming gRPC messages: the Go SDK's own server limit. tonic's default of 4 MiB cuts off large dashboards.
pub const GRPC_MESSAGE_BYTES_MAX: usize = 16 << 20;

/// Calls at the same time on one connection. Grafana sends all of them over one, and go-plugin's own server has no bound;
/// hyper's default of 200 would let `Shutdown` wait behind slow queries.
pub const GRPC_CALLS_IN_FLIGHT_MAX: u32 = 10_000;

/// A line of the log, its line break included: go-plugin reads up to 64 KiB at once and takes what is longer for plain
/// text (contract section 6.1).
pub const LOG_LINE_BYTES_MAX: usize = (64 << 10) - 1;

/// What Grafana wants said in every line of a request's log: a few ids. As much again as its alerting sends, and all together
/// below a tenth of [`LOG_LINE_BYTES_MAX`].
pub const LOG_CONTEXT_PAIRS_MAX: usize = 16;
/// A name among [`LOG_CONTEXT_PAIRS_MAX`].
pub const LOG_CONTEXT_NAME_BYTES_MAX: usize = 64;
/// A value among [`LOG_CONTEXT_PAIRS_MAX`]: an id, or a title.
pub const LOG_CONTEXT_VALUE_BYTES_MAX: usize = 256;

/// A component file. CPython with its library is 18 MB; anything above this is a mistake or an attack.
pub const COMPONENT_BYTES_MAX: u64 = 64 << 20;

/// A lock of a folder of guests: ten thousand of them, at a hundred bytes each.
pub const LOCK_BYTES_MAX: u64 = 1 << 20;
/// A signature of a guest's file: minisign's own comments in it are at most 1 KiB and 8 KiB long.
pub const SIGNATURE_BYTES_MAX: u64 = 16 << 10;

/// Time for drain after `Shutdown`: go-plugin kills the process 2 s after the call (contract section 1.7), and what follows
/// takes its time on a busy machine.
pub const DRAIN_TIMEOUT: Duration = Duration::from_millis(1200);
/// Time to write, after the drain, to every call that is left that there is no answer: a few bytes each.
pub const CUT_OFF_TIMEOUT: Duration = Duration::from_millis(200);
/// Time for what runs on the runtime's threads to see that the end has come. Looking up a name in DNS can take longer, and is not
/// waited for.
pub const RUNTIME_TIMEOUT: Duration = Duration::from_millis(100);

/// One TLS handshake: half of the 20 s that Go's gRPC client has for a connection.
pub const TLS_HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);
/// TLS handshakes at the same time. There is one client, and it has one or two connections.
pub const TLS_HANDSHAKES_IN_FLIGHT_MAX: usize = 64;

/// Sending the last traces at the end, after [`DRAIN_TIMEOUT`] and before go-plugin kills the process.
pub const TRACES_FLUSH_TIMEOUT: Duration = Duration::from_millis(300);

/// Sending one batch of traces. Collectors are near; the SDK's 10 s would hold batches of a busy plugin for one that hangs.
pub const TRACES_EXPORT_TIMEOUT: Duration = Duration::from_secs(5);

/// The distance between epoch ticks, and so the precision of guest deadlines. At 5 ms the ticking thread costs nothing
/// that can be measured, and a guest overruns its deadline by at most three ticks.
pub const EPOCH_TICK: Duration = Duration::from_millis(5);
/// Ticks that a call runs before the next has its turn: one whole one at least.
pub const SLICE_TICKS: u64 = 2;

/// A guest's stack. wasmtime's default is enough for deeply nested JSON, and ends endless recursion within a millisecond.
pub const GUEST_STACK_BYTES_MAX: usize = 512 << 10;

/// The stack of one call: the guest's share plus room for the host's frames below and above it, with a guard page at its end.
pub const CALL_STACK_BYTES: usize = 2 << 20;

/// Threads of which it is recorded what they run, in case the process crashes: those of a machine with more cores than any that we know.
pub const RECORDED_THREADS_MAX: usize = 1_024;

/// Calls at work for each core, see [`Limits::guest_calls`]. They take turns on the cores, so a call that takes long holds up none that
/// does not.
pub const GUEST_CALLS_EACH_CORE: usize = 4;
/// Calls at work on a machine with few cores, see [`Limits::guest_calls`]: more data sources than are ever busy at the same moment there.
pub const GUEST_CALLS_MIN: usize = 64;
/// Memory that stays with the place of a call for the next: several times what a small call touches, and with [`GUEST_CALLS_MIN`]
/// places at most 64 MiB that no query's budget knows of.
pub const GUEST_MEMORY_KEPT_BYTES: usize = 1 << 20;

/// Calls of one data source that are at work at the same time, for each core. Two keep a core busy; more would only hold memory.
pub const DATASOURCE_CALLS_EACH_CORE: usize = 2;
/// What a call is given, at most, in order to begin on the thread that asks for it. Copying this takes a fraction of [`EPOCH_TICK`].
pub const INLINE_INPUT_BYTES_MAX: usize = 256 << 10;

/// Memories, tables and core instances of one component: what CPython's component needs (1, 2 and 38), with room.
pub const GUEST_MEMORIES_MAX: usize = 3;
/// See [`GUEST_MEMORIES_MAX`].
pub const GUEST_TABLES_MAX: usize = 8;
/// See [`GUEST_MEMORIES_MAX`].
pub const GUEST_INSTANCES_MAX: usize = 64;
/// The unit that linear memory grows in (WebAssembly core specification, section "Memory Instances").
pub const WASM_PAGE_BYTES: usize = 64 << 10;

/// Elements in one table; CPython needs 5,670, SpiderMonkey 7,688.
pub const GUEST_TABLE_ELEMENTS_MAX: usize = 100_000;

/// One log line of a guest. Longer than a screen helps nobody, and hclog breaks at 64 KiB (contract section 6.1).
pub const GUEST_LOG_LINE_BYTES_MAX: usize = 4 << 10;

/// An error text of a guest: what fits in a panel's tooltip, several times over.
pub const ERROR_TEXT_BYTES_MAX: usize = 4 << 10;

/// What a guest says of an API's health beside its message: a page of a browser's, several times over.
pub const HEALTH_DETAILS_BYTES_MAX: usize = 1 << 20;

/// The state that a guest hands from one half of a story to the other.
pub const STATE_BYTES_MAX: usize = 1 << 20;

/// The compiler's child process: real time, and processor time of all its threads. CPython takes 10 s on two busy cores, and what
/// is just within [`COMPONENT_WORK_MAX`] a minute of processor time.
pub const COMPILE_TIMEOUT: Duration = Duration::from_secs(120);
/// The compiler's child process: threads. More do not make it faster by much, and each takes address space.
pub const COMPILE_THREADS_MAX: usize = 8;
/// The compiler's child process: address space. CPython needs 341 MB resident; the reservation is larger.
pub const COMPILE_MEMORY_BYTES_MAX: u64 = 4 << 30;

/// Functions of one component. CPython's has 13,500, SpiderMonkey's 12,700; each costs a compiler 60 µs and 6 KB before its
/// first instruction.
pub const COMPONENT_FUNCTIONS_MAX: u64 = 60_000;
/// Work that one component may be for the compiler, in instructions (`guest/scan.rs` says what else counts as how many). One takes
/// 3 µs, so that this is half a minute on two cores. SpiderMonkey's is 5.8 million.
pub const COMPONENT_WORK_MAX: u64 = 20_000_000;
/// Work that one function may be. CPython's and SpiderMonkey's largest are 200,000. No two threads can share a function, and
/// the compiler keeps up to a kilobyte for each instruction of one.
pub const FUNCTION_WORK_MAX: u64 = 800_000;
/// Bytes of one function. CPython's largest, which is generated by its linker, has 430,000.
pub const FUNCTION_BYTES_MAX: u64 = 2 << 20;
/// Parameters and other locals of one function; CPython needs 280.
pub const FUNCTION_LOCALS_MAX: u64 = 1_200;
/// Places of one function that are jumped from or to: blocks, branches, targets of branch tables. CPython's evaluation loop
/// has 17,000, and beyond some ten thousand a compiler's time grows with the square.
pub const FUNCTION_JUMPS_MAX: u64 = 65_000;
/// How deep the blocks of one function may nest; CPython needs 780.
pub const FUNCTION_DEPTH_MAX: u64 = 4_000;
/// Parameters or results of one type of functions or blocks. CPython needs 18 and 1. An instruction of two bytes may move all of them.
pub const FUNCTION_VALUES_MAX: u64 = 100;
/// Core modules of one component; CPython, whose libraries are one each, needs 38.
pub const COMPONENT_MODULES_MAX: u64 = 150;
/// Components inside of one; Rust's have 6.
pub const COMPONENT_COMPONENTS_MAX: u64 = 50;
/// How deep components may nest; those of all known tools nest once.
pub const COMPONENT_DEPTH_MAX: u64 = 8;
/// Types, imports, exports, globals and tables of all core modules together; CPython has 10,400.
pub const COMPONENT_CORE_ITEMS_MAX: u64 = 40_000;
/// Data and element segments of all core modules together. SpiderMonkey's snapshot has 10,000.
pub const COMPONENT_SEGMENTS_MAX: u64 = 40_000;
/// Elements of all element segments together: as many as a table holds.
pub const COMPONENT_ELEMENTS_MAX: u64 = GUEST_TABLE_ELEMENTS_MAX as u64;
/// Types, instances, aliases, functions, imports and exports of all components together; CPython has 2,100.
pub const COMPONENT_ITEMS_MAX: u64 = 8_000;
/// The types of all components together, bytes. The contract's take 8,700; a compiler reads them recursively.
pub const COMPONENT_TYPE_BYTES_MAX: u64 = 64 << 10;
/// Custom sections of one component; CPython has 22.
pub const COMPONENT_CUSTOM_SECTIONS_MAX: u64 = 1_000;

/// A guest's name, and a secret's: what fits a line of a settings page.
pub const GUEST_NAME_BYTES_MAX: usize = 64;
/// A description, its schemas and all: ten times the largest that anybody would draw an editor from. It is kept as long as the guest.
pub const DESCRIPTION_BYTES_MAX: usize = 4 << 20;
/// One text of a description, but for schemas: a line of a page.
pub const DESCRIPTION_LINE_BYTES_MAX: usize = 1_000;
/// The wait for a description, its turn among other calls included. It is a constant, so it needs no time of its own.
pub const DESCRIBE_TIMEOUT: Duration = Duration::from_secs(30);
/// The wait for a guest that is listed to be chosen from. One that is still being compiled then is listed as such.
pub const LISTED_GUEST_TIME: Duration = Duration::from_secs(5);
/// Guests that are loaded at the same time, and compilers that run. One takes all cores it can get and hundreds of megabytes.
pub const GUESTS_LOADING_MAX: usize = 2;
/// Files of guests that are read at the same time in order to list what is in them. Each takes a guest's thread.
pub const GUESTS_READING_MAX: usize = 2;

/// A day, which [`Duration`] has no word for.
const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// What the cache keeps of a component that nobody loads: as long as somebody may be on holiday.
pub const CACHE_UNUSED_MAX: Duration = DAY.saturating_mul(30);
/// What it keeps for another version of this program or of its settings: as long as an update may be taken back, or two
/// versions share a folder.
pub const CACHE_FOREIGN_MAX: Duration = DAY.saturating_mul(7);
/// A file that is being written. Whoever wrote it for so long has died.
pub const CACHE_UNFINISHED_MAX: Duration = DAY;
/// How exactly the cache knows when something was last used; it is written down no more often.
pub const CACHE_USE_PRECISION: Duration = DAY;
/// Files of the cache that are looked at when it is tidied up, which happens at each start.
pub const CACHE_ENTRIES_MAX: usize = 10_000;

/// The native code of one component. SpiderMonkey makes 36 MB of 12, and the largest component is [`COMPONENT_BYTES_MAX`].
pub const COMPILED_BYTES_MAX: u64 = 512 << 20;

/// Columns up to this size are checked and encoded where they are: copying 1 MiB takes less time than handing it to another thread
/// and back costs in the worst case.
pub const ENCODE_INLINE_BYTES_MAX: usize = 1 << 20;

/// The body of a resource response in one gRPC message; Grafana hands each on to the browser as it comes.
pub const RESOURCE_MESSAGE_BYTES: usize = 256 << 10;

/// Fields of one query, all frames together: a hundred for each of the frames allowed. Arrow spends about a kilobyte on
/// each before its first value.
pub const FIELDS_MAX: usize = 100_000;
/// Names, labels, configs and meta of one query, all frames together, as UTF-8. JSON escapes make at most six bytes of one,
/// and an Arrow file holds them twice.
pub const FRAME_TEXT_BYTES_MAX: usize = 16 << 20;
/// How deep a guest's JSON may nest: as deep as serde_json reads. Go's decoder gives up the whole answer, other queries'
/// frames included, at 10,000.
pub const JSON_DEPTH_MAX: usize = 128;

/// Header fields of one request of a guest: ten times what an API asks for, and no room for an attack by number.
pub const REQUEST_HEADERS_MAX: usize = 100;
/// Header fields of one request of a guest, names and values together. Servers cut off between 8 and 64 KiB.
pub const REQUEST_HEADER_BYTES_MAX: usize = 64 << 10;
/// A request's URL. The `http` crate holds no more, and servers take much less.
pub const URL_BYTES_MAX: usize = u16::MAX as usize - 1;
/// Tries of one request after the first, whatever an admin sets: more is an attack on an API that is down.
pub const RETRIES_MAX: u32 = 10;
/// The first pause before a request is tried again, and the least: what a connection that was reset takes to come back.
pub const RETRY_PAUSE_MIN: Duration = Duration::from_millis(200);
/// The longest pause before a request is tried again, where the API does not say one. A panel is waiting.
pub const RETRY_PAUSE_MAX: Duration = Duration::from_secs(5);
/// A body that was compressed may be as large as that whatever came of it: nothing is hurt by so little.
pub const DECODED_BYTES_FREE: usize = 1 << 20;
/// As much of a compressed body is decompressed at once.
pub const DECODED_PIECE_BYTES: usize = 32 << 10;
/// How long one direction of a connection through the bridge to a SOCKS proxy goes on after the other has ended: reqwest waits for no more.
pub const SOCKS_HALF_OPEN_TIME: Duration = Duration::from_secs(5);
/// The pause after the bridge could accept no connection, most often for want of file descriptors.
pub const SOCKS_ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// The first pause of a guest that asks for the state of a job again: shorter than anybody notices.
pub const POLL_PAUSE_MIN: Duration = Duration::from_millis(100);
/// The longest, where the API says nothing: a panel that waited for long does not mind.
pub const POLL_PAUSE_MAX: Duration = Duration::from_secs(5);
/// Failures in a row after which an API is left alone. One more than what a single query's tries make of a short fault.
pub const BREAKER_FAILURES: u32 = 5;
/// The first pause of an API that failed so often: what a restart takes.
pub const BREAKER_PAUSE_MIN: Duration = Duration::from_secs(5);
/// The longest: somebody who mended the API does not wait longer to see it.
pub const BREAKER_PAUSE_MAX: Duration = Duration::from_secs(60);
/// Origins of one data source that are watched: those that descriptions name are a handful.
pub const BREAKER_ORIGINS_MAX: usize = 100;
/// The part of the cache that one answer may take is one of so many, so that no single one empties it.
pub const CACHE_ENTRY_SHARE: usize = 8;
/// A connection through Grafana's secure SOCKS proxy, until it is there: the SDK's own time.
pub const SOCKS_TIMEOUT: Duration = Duration::from_secs(30);
/// Connections of one data source through the proxy: as many as exchanges can be allowed.
pub const SOCKS_CONNECTIONS_MAX: usize = 1_000;
/// Exchanges of a query that are told in its frame: what somebody reads.
pub const EXCHANGES_TOLD_MAX: usize = 50;
/// The shortest secret that is looked for in texts. A shorter one would be found in words.
pub const REDACTED_BYTES_MIN: usize = 6;
/// "Save & test": the connection that is made for its own sake.
pub const PROBE_TIMEOUT: Duration = Duration::from_secs(10);
/// How long before a certificate's end an admin is warned of it.
pub const CERTIFICATE_WARNING: Duration = DAY.saturating_mul(30);
/// How long before its end a token is not used any more: the way to the API, and clocks that differ.
pub const TOKEN_MARGIN: Duration = Duration::from_secs(30);
/// How long those who need a token are told why there is none, before it is asked for again: all queries of a dashboard.
pub const TOKEN_FAILURE_TIME: Duration = Duration::from_secs(2);
/// What a token's lifetime counts for at most: longer than plugins run.
pub const TOKEN_LIFETIME_MAX: Duration = Duration::from_secs(366 * 24 * 3_600);
/// Refresh tokens that servers changed, of all data sources, which are remembered.
pub const ROTATIONS_MAX: usize = 1_000;
/// A token that an API does not take although it is not older is not the reason.
pub const TOKEN_YOUNG: Duration = Duration::from_secs(10);
/// The answer of a token server. The largest tokens, with all groups of a user, have some ten kilobytes.
pub const TOKEN_ANSWER_BYTES_MAX: usize = 256 << 10;
/// The longest time between two requests that a pace can ask for.
pub const PACE_INTERVAL_MAX: Duration = Duration::from_secs(60 * 60);
/// A pause in the middle of a body after which the rest is not waited for, whatever the data source's timeout.
pub const BODY_IDLE_MAX: Duration = Duration::from_secs(30);

/// Redirects that are followed for one request. Browsers stop at 20, Go and reqwest at 10.
pub const REDIRECTS_MAX: usize = 10;

/// The first pause after a stream was interrupted. Streams that end at once would otherwise be opened without end.
pub const LIVE_RETRY_MIN: Duration = Duration::from_secs(1);
/// The longest pause of an interrupted stream: nobody looks longer at a panel that stands still.
pub const LIVE_RETRY_MAX: Duration = Duration::from_secs(60);
/// How far back a stream's first packet reaches, and the longest pause between two questions to an API.
pub const LIVE_RANGE_MAX: Duration = Duration::from_secs(24 * 60 * 60);
/// Points that a stream asks for: what a wide screen has, several times over.
pub const LIVE_POINTS_MAX: u32 = 10_000;
/// One event of a stream. Server-sent events are read by browsers, so they are small.
pub const LIVE_EVENT_BYTES_MAX: usize = 1 << 20;
/// The silence after which a stream is opened anew: no byte at all, not even a comment, which the HTML standard advises to send every
/// 15 s or so. A connection that was lost without a word is found out by this.
pub const LIVE_SILENCE_MAX: Duration = Duration::from_secs(5 * 60);

/// Live frames that are kept for those who look later, all streams together. Beyond this they see only what comes after them.
pub const LIVE_SHOWN_BYTES_MAX: usize = 128 << 20;
/// The least time between two events of one stream. Each is a call of the guest; a screen shows no more than some dozens a second, and
/// an API that says more waits.
pub const LIVE_EVENT_PAUSE: Duration = Duration::from_millis(10);

/// Values of a JSON Schema that are looked at, references followed, in order to check one value. Editors that people can use are drawn
/// from some hundreds.
pub const SCHEMA_WORK_MAX: usize = 10_000;
/// How deep a JSON Schema may nest, references followed: each level takes stack.
pub const SCHEMA_DEPTH_MAX: usize = 64;

/// Things that are wrong with settings of which an admin is told at once.
pub const OBJECTIONS_MAX: usize = 10;

/// Kept back of the time that a caller grants: to write an answer that says why there is no other.
pub const ANSWER_TIME: Duration = Duration::from_millis(50);

/// Data sources that are kept ready. One that was not asked for longest makes room and is built again when it is needed.
pub const DATASOURCES_MAX: usize = 1_000;

/// The end of every sentence about a limit: how an admin raises it. `key` is the name of a field of [`Limits`].
pub fn how_to_raise(key: &str) -> String {
    format!("raise '{key}' in grafana.ini, section [plugin.graft-datasource]")
}

/// The bounds that an admin may change.
#[derive(Clone, Debug, PartialEq)]
pub struct Limits {
    /// Linear memory and tables of one call, all memories together.
    pub guest_memory_bytes: usize,
    /// CPU time of one call of a guest.
    pub guest_cpu: Duration,
    /// Log lines of one call.
    pub guest_log_lines: u32,
    /// Calls that are at work at the same time; more wait. 0 means [`GUEST_CALLS_EACH_CORE`] for each core, and at least
    /// [`GUEST_CALLS_MIN`].
    pub guest_calls: usize,
    /// Calls, or queries, of one data source that wait for their turn.
    pub calls_waiting: usize,
    /// What all queries hold together: bodies, guests' memory, columns. A query that is over it waits.
    pub memory_bytes: usize,
    /// A query from start to end, all its rounds together, where Grafana's own deadline is not sooner. Each exchange also has the data
    /// source's timeout.
    pub query_time: Duration,
    /// Queries of one request that run at the same time.
    pub queries_in_flight: usize,
    /// Rounds of one query. Pagination of 50 pages is more than a panel can show.
    pub rounds: u32,
    /// Requests of one query, all rounds together.
    pub requests: u32,
    /// Exchanges in flight for one data source: kind to the API, and more than a browser would open.
    pub exchanges_in_flight: usize,
    /// The least time between two questions to an API for one live stream, whatever a dashboard asks for.
    pub live_interval_min: Duration,
    /// Live streams that run at the same time, of all data sources. What each shows is kept for those who look later.
    pub live_streams: usize,
    /// A response's body after decompression, checked while reading.
    pub response_bytes: usize,
    /// A response's body, in times of what came: what repeats itself as much as columns of numbers do stays far below.
    pub decompression_ratio: usize,
    /// A response's header fields together.
    pub header_bytes: usize,
    /// Answers of APIs that are kept to be given again, of all data sources together. Not part of what queries hold.
    pub cache_bytes: usize,
    /// Frames of one query. Grafana's own panels become unusable long before.
    pub frames: usize,
    /// Rows of one query, all frames together.
    pub rows: usize,
    /// Columns of one query, all frames together.
    pub column_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            guest_memory_bytes: 256 << 20,
            guest_cpu: Duration::from_secs(10),
            guest_log_lines: 100,
            guest_calls: 0,
            calls_waiting: 10_000,
            memory_bytes: 1 << 30,
            query_time: Duration::from_secs(60),
            queries_in_flight: 16,
            rounds: 50,
            requests: 500,
            exchanges_in_flight: 16,
            live_interval_min: Duration::from_secs(1),
            live_streams: 200,
            response_bytes: 64 << 20,
            decompression_ratio: 200,
            header_bytes: 64 << 10,
            cache_bytes: 64 << 20,
            frames: 1_000,
            rows: 5_000_000,
            column_bytes: 256 << 20,
        }
    }
}
