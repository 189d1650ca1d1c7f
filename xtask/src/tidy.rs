//! What compilers do not check, and people forget. Each rule is a function from what is there to what is wrong with it.

mod imports;
mod source;
mod text;

use std::fmt;
use std::path::Path;

use anyhow::{Context as _, bail};

use crate::repository::{command, files, is_ci, root, shown};
use crate::step::{quietly, step};

/// Checks the repository.
pub(crate) fn run() -> anyhow::Result<()> {
    let complaints = step("tidy", complaints)?;
    for complaint in &complaints {
        println!("{complaint}");
    }
    match complaints.len() {
        0 => Ok(()),
        1 => bail!("one thing is not tidy"),
        several => bail!("{several} things are not tidy"),
    }
}

/// Something that is wrong, and where.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Complaint {
    file: String,
    /// Counted from 1; 0 where it is about the whole file.
    line: usize,
    what: String,
}

impl Complaint {
    fn new(file: &str, line: usize, what: impl Into<String>) -> Self {
        Self { file: file.to_owned(), line, what: what.into() }
    }
}

impl fmt::Display for Complaint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { file, line, what } = self;
        match line {
            0 => write!(formatter, "{file}: {what}"),
            line => write!(formatter, "{file}:{line}: {what}"),
        }
    }
}

fn complaints() -> anyhow::Result<Vec<Complaint>> {
    let mut complaints = Vec::new();
    for path in files(root())? {
        let name = shown(&path);
        let content = std::fs::read(&path).with_context(|| format!("{name} cannot be read"))?;
        // What is no text is not for reading.
        let Ok(content) = String::from_utf8(content) else { continue };
        // Golden files are what the code makes, byte by byte.
        if !name.starts_with("host/tests/golden/") {
            complaints.extend(text::check(&name, &content));
        }
        if path.extension() == Some("rs".as_ref()) && !source::is_generated(&name) {
            complaints.extend(source::check(&name, &content)?);
            if let Some(module) = name.strip_prefix("host/src/") {
                complaints.extend(imports::check(Path::new(module), &content)?);
            }
        }
    }
    complaints.extend(contract()?);
    complaints.extend(committed()?);
    Ok(complaints)
}

/// Who changes the contract tells vendors.
fn contract() -> anyhow::Result<Vec<Complaint>> {
    let read = |name: &str| {
        std::fs::read_to_string(root().join(name)).with_context(|| format!("{name} cannot be read"))
    };
    let version = text::contract_version(&read("wit/world.wit")?)
        .context("wit/world.wit does not say which version of graft:datasource it is")?;
    Ok(if read("CHANGELOG.md")?.contains(&version) {
        Vec::new()
    } else {
        vec![Complaint::new(
            "CHANGELOG.md",
            0,
            format!("says nothing about {version}, the contract in 'wit'"),
        )]
    })
}

/// What tools make is not committed. Without git, as in an unpacked archive, nothing is known about that.
fn committed() -> anyhow::Result<Vec<Complaint>> {
    match quietly(command("git").args(["ls-files"])) {
        Ok(names) => Ok(text::made_by_tools(&names)),
        Err(error) if is_ci() => Err(error),
        Err(_error) => Ok(Vec::new()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_repository_is_tidy() {
        let complaints: Vec<_> =
            complaints().unwrap().iter().map(|complaint| format!("\n{complaint}")).collect();
        assert!(complaints.is_empty(), "{}", complaints.concat());
    }

    #[test]
    fn a_complaint_says_where() {
        assert_eq!(Complaint::new("a.rs", 3, "is long").to_string(), "a.rs:3: is long");
        assert_eq!(Complaint::new("a.rs", 0, "is long").to_string(), "a.rs: is long");
    }
}
