//! Whether something was made from what is there now.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use sha2::{Digest as _, Sha256};

use crate::repository::shown;

/// The digest of what something is made from.
pub(crate) struct Stamp(String);

impl Stamp {
    /// The stamp of these files, in this order, and of a text that counts as well, such as a compiler's version.
    pub(crate) fn of(files: &[PathBuf], text: &str) -> anyhow::Result<Self> {
        let mut digest = Sha256::new();
        // Lengths keep the pieces apart.
        let mut add = |bytes: &[u8]| {
            digest.update(bytes.len().to_le_bytes());
            digest.update(bytes);
        };
        add(text.as_bytes());
        for file in files {
            let content = std::fs::read(file);
            add(shown(file).as_bytes());
            add(&content.with_context(|| format!("{} cannot be read", shown(file)))?);
        }
        let digest = digest.finalize();
        Ok(Self(digest.iter().map(|byte| format!("{byte:02x}")).collect()))
    }

    /// Whether the file says that something was made from the same.
    pub(crate) fn is_on(&self, mark: &Path) -> bool {
        std::fs::read_to_string(mark).is_ok_and(|content| content == self.0)
    }

    /// Says in a file that something was made from this.
    pub(crate) fn put_on(&self, mark: &Path) -> anyhow::Result<()> {
        std::fs::write(mark, &self.0).with_context(|| format!("{} cannot be written", shown(mark)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_of_any_input_changes_the_stamp() {
        let folder = tempfile::tempdir().unwrap();
        let (input, mark) = (folder.path().join("input"), folder.path().join("mark"));
        let stamp = |text| Stamp::of(std::slice::from_ref(&input), text).unwrap();
        std::fs::write(&input, "one").unwrap();
        assert!(!stamp("1.95").is_on(&mark), "nothing was made yet");
        stamp("1.95").put_on(&mark).unwrap();
        assert!(stamp("1.95").is_on(&mark));
        assert!(!stamp("1.96").is_on(&mark));
        std::fs::write(&input, "two").unwrap();
        assert!(!stamp("1.95").is_on(&mark));
    }

    #[test]
    fn a_missing_input_is_named() {
        let error = Stamp::of(&["/nowhere/input".into()], "").err().unwrap().to_string();
        assert_eq!(error, "/nowhere/input cannot be read");
    }
}
