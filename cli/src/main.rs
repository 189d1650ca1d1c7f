//! The command `graft`: reads its arguments, does one thing and says what came of it.
#![expect(clippy::print_stdout, reason = "a command answers on stdout")]

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use anyhow::Context as _;
use bytesize::ByteSize;
use clap::{Parser, Subcommand};
use graft_cli::build::{Build, Built, write};
use graft_cli::componentize::componentize;
use graft_cli::lock::lock;

/// Builds and pins guests: the part of a Grafana data source that is particular to one API.
#[derive(Parser)]
#[command(name = "graft", version, arg_required_else_help = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Compile a guest crate and make a component of it.
    ///
    /// The crate is a library with `crate-type = ["cdylib", "rlib"]` that depends on `graft-guest`. Put the component into the folder
    /// `guests` beside Graft's binary; its file name has to be the name in the guest's description.
    Build {
        /// The crate's Cargo.toml, if not the current folder's.
        #[arg(long, value_name = "FILE")]
        manifest_path: Option<PathBuf>,
        /// The crate, where the workspace has several.
        #[arg(short, long, value_name = "NAME")]
        package: Option<String>,
        /// Where the component goes: a file, or a folder that is there. Else `NAME.wasm` in the current folder.
        #[arg(short, long, value_name = "PATH")]
        out: Option<PathBuf>,
        /// Where cargo keeps what it compiled, if not where it does so for this crate.
        #[arg(long, value_name = "FOLDER")]
        target_dir: Option<PathBuf>,
    },
    /// Make a component of a core module that is already compiled.
    ///
    /// The inner step of `build`, for other languages and other ways to build.
    Componentize {
        /// The core module, compiled for `wasm32-unknown-unknown`.
        core: PathBuf,
        /// Where the component goes.
        #[arg(short, long, value_name = "FILE")]
        out: PathBuf,
    },
    /// Pin the guests of a folder: write `guests.lock`, as `sha256sum *.wasm` would.
    ///
    /// From then on Graft loads no guest of that folder whose file is another.
    Lock {
        /// The folder with the guests.
        folder: PathBuf,
    },
}

fn main() -> ExitCode {
    match run(Arguments::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> anyhow::Result<()> {
    let begun = Instant::now();
    let (path, bytes) = match command {
        Command::Build { manifest_path, package, out, target_dir } => {
            let Built { name, component } = Build { manifest_path, package, target_dir }.run()?;
            (destination(out, &name), component)
        }
        Command::Componentize { core, out } => {
            (out, componentize(&read(&core)?).with_context(|| core.display().to_string())?)
        }
        Command::Lock { folder } => {
            let (path, text) = lock(&folder)?;
            (path, text.into_bytes())
        }
    };
    write(&path, &bytes)?;
    let size = ByteSize::b(bytes.len() as u64).display().si();
    println!("{} ({size}, {:.1} s)", path.display(), begun.elapsed().as_secs_f64());
    Ok(())
}

fn destination(out: Option<PathBuf>, name: &str) -> PathBuf {
    let file = format!("{name}.wasm");
    match out {
        Some(folder) if folder.is_dir() => folder.join(file),
        Some(file) => file,
        None => PathBuf::from(file),
    }
}

fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    std::fs::read(path).with_context(|| format!("{} cannot be read", path.display()))
}
