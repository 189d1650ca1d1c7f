//! Native code from a component, made in a process of its own.
//!
//! A file of 2 MB can cost a compiler a minute and a gigabyte, nothing can interrupt a compiler from inside its process, and it may
//! panic (ADR 0008). So the binary starts itself again with [`COMPILE_ARGUMENT`]: component on stdin, native code on stdout, and whatever
//! happens there stays there.

use std::env;
use std::ffi::OsStr;
use std::io::{self, Read as _, Write as _};
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{ExitCode, ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{
    Resource, Rlimit, Signal, getppid, nice, set_parent_process_death_signal, setrlimit,
};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::{Child, Command};
use tokio::time::timeout;
use wasmtime::Engine;

use super::engine::configuration;
use super::scan::ScanError;
use crate::limits::{
    COMPILE_MEMORY_BYTES_MAX, COMPILE_THREADS_MAX, COMPILE_TIMEOUT, COMPILED_BYTES_MAX,
    COMPONENT_BYTES_MAX, ERROR_TEXT_BYTES_MAX,
};

/// The argument that makes the binary the compiler's process.
const COMPILE_ARGUMENT: &str = "compile-guest";

/// What the compiler's process may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CompileLimits {
    /// Real time.
    pub time: Duration,
    /// Processor time of all its threads together; whole seconds count.
    pub processor_time: Duration,
    /// Address space, bytes.
    pub memory_bytes: u64,
}

impl Default for CompileLimits {
    fn default() -> Self {
        Self {
            time: COMPILE_TIMEOUT,
            processor_time: COMPILE_TIMEOUT,
            memory_bytes: COMPILE_MEMORY_BYTES_MAX,
        }
    }
}

/// Why there is no native code. Reads as the end of "guest 'x' cannot be loaded: ".
#[derive(Debug, thiserror::Error)]
pub enum CompileError {
    /// The compiler's process cannot be started or spoken with.
    #[error("the compiler's process '{}' failed ({error})", .program.display())]
    Process {
        /// The binary.
        program: PathBuf,
        /// What happened.
        error: io::Error,
    },
    /// A compiler would have too much to do with it.
    #[error(transparent)]
    Scan(#[from] ScanError),
    /// It took too long.
    #[error("compiling it takes more than {} s", .0.as_secs())]
    TimedOut(Duration),
    /// It used too much of the processor.
    #[error("compiling it takes more than {} s of processor time", .0.as_secs())]
    Processor(Duration),
    /// It wanted too much memory.
    #[error("compiling it takes more than {0} bytes of address space")]
    Memory(u64),
    /// The native code is larger than any guest's.
    #[error("its native code is larger than {COMPILED_BYTES_MAX} bytes")]
    TooLarge,
    /// The compiler says that the component is not valid.
    #[error("it is not a valid component ({0})")]
    Invalid(String),
    /// The compiler's process ended in another way, such as a panic.
    #[error("the compiler failed on it ({0})")]
    Crashed(String),
}

impl CompileError {
    /// Whether the machine is to blame, and not the component.
    pub(super) fn is_of_host(&self) -> bool {
        // How long it takes depends on what else the machine does.
        matches!(self, Self::Process { .. } | Self::TimedOut(_))
    }
}

/// Compiles a component with the binary `program`, this very program. Public for tests, which cannot be that binary.
///
/// The process ends with this future, and with the thread that polls it first: so that is to be one that lives as long as this
/// process, as the runtime's own do.
pub async fn compile(
    program: &Path,
    component: &[u8],
    limits: CompileLimits,
) -> Result<Vec<u8>, CompileError> {
    let failed = |error| CompileError::Process { program: program.to_owned(), error };
    let mut child = Command::new(program)
        .arg(COMPILE_ARGUMENT)
        .arg(limits.processor_time.as_secs().to_string())
        .arg(limits.memory_bytes.to_string())
        .arg(std::process::id().to_string())
        .env_clear()
        // Address space is limited, and each thread's allocator reserves 64 MiB of it.
        .env("RAYON_NUM_THREADS", COMPILE_THREADS_MAX.min(cores()).to_string())
        .env("MALLOC_ARENA_MAX", "2")
        // A signal to Grafana's group, such as that of Ctrl-C, is none of its business, and no fault of the component.
        .process_group(0)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .map_err(failed)?;
    let Ok(spoken) = timeout(limits.time, speak(&mut child, component)).await else {
        // What is left of it must not run beside the next one.
        child.kill().await.map_err(failed)?;
        return Err(CompileError::TimedOut(limits.time));
    };
    let (status, code, text) = spoken.map_err(failed)?;
    if code.len() as u64 > COMPILED_BYTES_MAX {
        return Err(CompileError::TooLarge);
    }
    match status.code() {
        Some(0) => Ok(code),
        Some(INVALID) => Err(CompileError::Invalid(text)),
        _ if status.signal() == Some(Signal::XCPU.as_raw()) => {
            Err(CompileError::Processor(limits.processor_time))
        }
        // What Rust says before it ends for want of memory.
        _ if text.contains("memory allocation of ") => {
            Err(CompileError::Memory(limits.memory_bytes))
        }
        _ => Err(CompileError::Crashed(ended(status, &text))),
    }
}

/// How many threads this machine can run at the same time.
fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// Hands over the component and takes what comes back, at the same time.
async fn speak(child: &mut Child, component: &[u8]) -> io::Result<(ExitStatus, Vec<u8>, String)> {
    let gone = || io::Error::from(io::ErrorKind::BrokenPipe);
    let mut stdin = child.stdin.take().ok_or_else(gone)?;
    let mut stdout = child.stdout.take().ok_or_else(gone)?.take(COMPILED_BYTES_MAX + 1);
    let mut stderr = child.stderr.take().ok_or_else(gone)?.take(ERROR_TEXT_BYTES_MAX as u64);
    let (mut code, mut text) = (Vec::new(), Vec::new());
    let write = async {
        // A process that died early says why by its status.
        let _written = stdin.write_all(component).await;
        drop(stdin);
        Ok(())
    };
    tokio::try_join!(write, stdout.read_to_end(&mut code), stderr.read_to_end(&mut text))?;
    // Whoever writes more than is read waits for ever, or finds the pipes closed.
    drop((stdout, stderr));
    let status = child.wait().await?;
    Ok((status, code, String::from_utf8_lossy(&text).trim().to_owned()))
}

fn ended(status: ExitStatus, text: &str) -> String {
    let last = text.lines().last().unwrap_or_default();
    match last {
        "" => format!("its process ended with {status}"),
        last => format!("its process ended with {status}: {last}"),
    }
}

/// The exit status for a component that is not valid.
const INVALID: i32 = 3;

/// Whether this process is to be the compiler's, by its arguments.
pub fn is_compiler(mut arguments: impl Iterator<Item = impl AsRef<OsStr>>) -> bool {
    arguments.nth(1).is_some_and(|argument| argument.as_ref() == COMPILE_ARGUMENT)
}

/// The whole life of the compiler's process.
pub fn compiler() -> ExitCode {
    match compile_stdin() {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure::Invalid(error)) => {
            // It may repeat a name of the component's, and nobody reads more than this.
            let text: String =
                format!("{error:#}").chars().take(ERROR_TEXT_BYTES_MAX / 4).collect();
            eprintln!("{text}");
            // The compiler's own exit statuses are 0, this, and 1 for all else.
            ExitCode::from(INVALID as u8)
        }
        Err(Failure::Io(error)) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
        Err(Failure::Engine(error)) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

enum Failure {
    Io(io::Error),
    Engine(wasmtime::Error),
    Invalid(wasmtime::Error),
}

fn compile_stdin() -> Result<(), Failure> {
    let started = Started::from_arguments(env::args());
    let only_us = || Failure::Io(io::Error::other("only the plugin itself starts its compiler"));
    let started = started.ok_or_else(only_us)?;
    end_with(started.plugin).map_err(Failure::Io)?;
    started.limit_this_process().map_err(|error| Failure::Io(error.into()))?;
    let mut component = Vec::new();
    io::stdin().take(COMPONENT_BYTES_MAX).read_to_end(&mut component).map_err(Failure::Io)?;
    let engine = Engine::new(&configuration()).map_err(Failure::Engine)?;
    let code = engine.precompile_component(&component).map_err(Failure::Invalid)?;
    io::stdout().lock().write_all(&code).map_err(Failure::Io)
}

/// What [`compile`] says after [`COMPILE_ARGUMENT`].
struct Started {
    processor_seconds: u64,
    memory_bytes: u64,
    /// The process that waits for native code.
    plugin: i32,
}

impl Started {
    fn from_arguments(mut arguments: impl Iterator<Item = String>) -> Option<Self> {
        Some(Self {
            processor_seconds: arguments.nth(2)?.parse().ok()?,
            memory_bytes: arguments.next()?.parse().ok()?,
            plugin: arguments.next()?.parse().ok()?,
        })
    }

    /// Whatever the component does to the compiler, the machine has an end to it, and Grafana's own work goes first.
    fn limit_this_process(&self) -> rustix::io::Result<()> {
        let limit = |most, last| Rlimit { current: Some(most), maximum: Some(last) };
        let seconds = self.processor_seconds;
        // The first ends the process with a signal that says why; nothing ignores the second.
        setrlimit(Resource::Cpu, limit(seconds, seconds.saturating_add(1)))?;
        setrlimit(Resource::As, limit(self.memory_bytes, self.memory_bytes))?;
        setrlimit(Resource::Core, limit(0, 0))?;
        nice(10).map(|_nice| ())
    }
}

/// Nobody waits for native code when the plugin was killed, and nobody is there to end this process.
fn end_with(plugin: i32) -> io::Result<()> {
    set_parent_process_death_signal(Some(Signal::KILL))?;
    // It may have been before that.
    match getppid().is_some_and(|now| now.as_raw_nonzero().get() == plugin) {
        true => Ok(()),
        false => Err(io::Error::other("the plugin has ended")),
    }
}
