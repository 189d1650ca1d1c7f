//! A compiler for `wasm32-unknown-unknown`: rustup's with the target installed, or any with its library's sources, from which
//! cargo then builds the library.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, bail};

/// What guests are compiled for.
pub const TARGET: &str = "wasm32-unknown-unknown";
/// WebAssembly's wide registers, in which the SDK reads numbers. Graft allows them to every guest.
const FEATURES: &str = "-Ctarget-feature=+simd128";
/// Where cargo looks for flags of the target's compiler.
const FLAGS_VARIABLE: &str = "CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS";
/// Where Debian's packages put their compiler.
const DEBIAN_RUSTC: &str = "/usr/bin/rustc";

/// How guests are compiled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Toolchain {
    /// The usual compiler has the target's library.
    Installed {
        /// The compiler's version, as it says it.
        version: String,
    },
    /// A compiler whose library is built from its sources.
    Sources {
        /// The compiler; the sources are of its very version.
        rustc: PathBuf,
        /// Links WebAssembly.
        linker: PathBuf,
        /// The compiler's version, as it says it.
        version: String,
    },
}

impl Toolchain {
    /// Looks for a compiler, as cargo would choose it in this folder.
    pub fn find(folder: &Path) -> anyhow::Result<Self> {
        let usual = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
        let usual = Compiler { path: usual.into(), folder };
        // The folder is named even for a target that is not installed.
        if let Ok(library) = usual.print(&["--print", "target-libdir", "--target", TARGET])
            && holds_library(Path::new(&library))
        {
            return Ok(Self::Installed { version: usual.version()? });
        }
        let debian = Compiler { path: DEBIAN_RUSTC.into(), folder };
        for compiler in [&usual, &debian] {
            let Ok(sysroot) = compiler.sysroot() else { continue };
            if sysroot.join("lib/rustlib/src/rust/library/Cargo.toml").exists() {
                let linker = linker(&[&usual, &debian])?;
                let version = compiler.version()?;
                return Ok(Self::Sources { rustc: compiler.path.clone(), linker, version });
            }
        }
        bail!(
            "no compiler for {TARGET} was found: run `rustup target add {TARGET}`, or on Debian install the packages \
             rustc-web and rust-web-src"
        )
    }

    /// The compiler's version; what another made may not be the same.
    pub fn version(&self) -> &str {
        let (Self::Installed { version } | Self::Sources { version, .. }) = self;
        version
    }

    /// A command that runs `cargo build` for the target.
    pub fn cargo_build(&self) -> Command {
        let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        command.args(["build", "--release", "--target", TARGET]);
        let flags = std::env::var(FLAGS_VARIABLE).unwrap_or_default();
        command.env(FLAGS_VARIABLE, format!("{flags} {FEATURES}").trim_start());
        if let Self::Sources { rustc, linker, .. } = self {
            command
                .arg("-Zbuild-std=std,panic_abort")
                .env("RUSTC", rustc)
                // Building the library is not a stable feature of cargo.
                .env("RUSTC_BOOTSTRAP", "1")
                .env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", linker);
        }
        command
    }
}

/// A compiler, asked in a folder, because rustup chooses by that.
struct Compiler<'a> {
    path: PathBuf,
    folder: &'a Path,
}

impl Compiler<'_> {
    fn print(&self, arguments: &[&str]) -> anyhow::Result<String> {
        let name = self.path.display();
        let output = Command::new(&self.path)
            .args(arguments)
            .current_dir(self.folder)
            .output()
            .with_context(|| format!("{name} cannot be run"))?;
        if !output.status.success() {
            bail!("{name} failed: {}", String::from_utf8_lossy(&output.stderr).trim());
        }
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }

    fn sysroot(&self) -> anyhow::Result<PathBuf> {
        Ok(self.print(&["--print", "sysroot"])?.into())
    }

    fn version(&self) -> anyhow::Result<String> {
        self.print(&["--version"])
    }

    /// The linker that comes with rustup's compilers.
    fn rust_lld(&self) -> Option<PathBuf> {
        let host = self.print(&["--print", "host-tuple"]).ok()?;
        let lld = self.sysroot().ok()?.join("lib/rustlib").join(host).join("bin/rust-lld");
        lld.exists().then_some(lld)
    }
}

fn holds_library(folder: &Path) -> bool {
    std::fs::read_dir(folder).is_ok_and(|files| {
        files.flatten().any(|file| file.file_name().as_encoded_bytes().starts_with(b"libstd-"))
    })
}

fn linker(compilers: &[&Compiler<'_>]) -> anyhow::Result<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    compilers
        .iter()
        .find_map(|compiler| compiler.rust_lld())
        .or_else(|| wasm_ld(&path))
        .context(
            "the library's sources are here, but no linker for WebAssembly: install Rust by rustup, or on Debian the package lld",
        )
}

fn wasm_ld(path: &OsStr) -> Option<PathBuf> {
    std::env::split_paths(path).map(|folder| folder.join("wasm-ld")).find(|file| file.exists())
}

/// The folder in which cargo and its compiler run.
pub(crate) fn folder_of(manifest: Option<&Path>) -> &Path {
    let folder = manifest.and_then(Path::parent).filter(|folder| *folder != OsString::new());
    folder.unwrap_or(Path::new("."))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(toolchain: &Toolchain) -> (Vec<String>, Vec<String>) {
        let command = toolchain.cargo_build();
        let text = |text: &OsStr| text.to_string_lossy().into_owned();
        let variables = command
            .get_envs()
            .map(|(name, value)| format!("{}={}", text(name), text(value.unwrap_or_default())));
        (command.get_args().map(text).collect(), variables.collect())
    }

    #[test]
    fn an_installed_target_needs_nothing_but_its_name_and_features() {
        let (arguments, variables) = settings(&Toolchain::Installed { version: String::new() });
        assert_eq!(arguments, ["build", "--release", "--target", "wasm32-unknown-unknown"]);
        assert_eq!(
            variables,
            ["CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS=-Ctarget-feature=+simd128"]
        );
    }

    #[test]
    fn a_library_in_sources_is_built_by_the_compiler_of_its_version() {
        let toolchain = Toolchain::Sources {
            rustc: "/usr/bin/rustc".into(),
            linker: "/lld".into(),
            version: String::new(),
        };
        let (arguments, variables) = settings(&toolchain);
        assert_eq!(arguments[4], "-Zbuild-std=std,panic_abort");
        let expected = [
            "CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER=/lld",
            "CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS=-Ctarget-feature=+simd128",
            "RUSTC=/usr/bin/rustc",
            "RUSTC_BOOTSTRAP=1",
        ];
        assert_eq!(variables, expected);
    }

    #[test]
    fn a_library_counts_only_when_it_is_there() {
        let folder = tempfile::tempdir().unwrap();
        assert!(!holds_library(&folder.path().join("missing")) && !holds_library(folder.path()));
        std::fs::write(folder.path().join("libstd-1.rlib"), "").unwrap();
        assert!(holds_library(folder.path()));
    }

    #[test]
    fn a_linker_is_found_in_the_path() {
        let folder = tempfile::tempdir().unwrap();
        let path = std::env::join_paths([Path::new("/nowhere"), folder.path()]).unwrap();
        assert_eq!(wasm_ld(&path), None);
        std::fs::write(folder.path().join("wasm-ld"), "").unwrap();
        assert_eq!(wasm_ld(&path), Some(folder.path().join("wasm-ld")));
    }

    #[test]
    fn cargo_runs_beside_the_manifest() {
        assert_eq!(folder_of(Some(Path::new("a/Cargo.toml"))), Path::new("a"));
        assert_eq!(folder_of(Some(Path::new("Cargo.toml"))), Path::new("."));
        assert_eq!(folder_of(None), Path::new("."));
    }
}
