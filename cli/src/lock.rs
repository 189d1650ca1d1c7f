//! `guests.lock`: pins the guests of a folder by their SHA-256 digests, in the format of `sha256sum` (ADR 0010).

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use sha2::{Digest as _, Sha256};

/// The text of a lock for a folder's guests, in the order of their names, and where it goes. Comments of the lock that is there stay.
pub fn lock(folder: &Path) -> anyhow::Result<(PathBuf, String)> {
    let path = folder.join("guests.lock");
    let before = if path.exists() { fs::read_to_string(&path) } else { Ok(String::new()) };
    let before = before.with_context(|| format!("{} cannot be read", path.display()))?;
    let comments = before.lines().filter(|line| line.starts_with('#'));
    let mut lines: Vec<String> = comments.map(|line| format!("{line}\n")).collect();
    let guests = guests(folder).with_context(|| format!("{} cannot be read", folder.display()))?;
    if guests.is_empty() {
        bail!("there is no guest (*.wasm) in {}", folder.display());
    }
    for name in guests {
        let guest = folder.join(&name);
        let bytes =
            fs::read(&guest).with_context(|| format!("{} cannot be read", guest.display()))?;
        let digest: String =
            Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
        lines.push(format!("{digest}  {name}\n"));
    }
    Ok((path, lines.concat()))
}

/// The names of a folder's guests, in order.
fn guests(folder: &Path) -> std::io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder)? {
        // What is not text cannot be a guest's name.
        let name = entry?.file_name().into_string();
        names.extend(name.ok().filter(|name| name.ends_with(".wasm")));
    }
    names.sort_unstable();
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_lists_the_guests_in_order_and_keeps_its_comments() {
        let folder = tempfile::tempdir().unwrap();
        let put = |name, text| fs::write(folder.path().join(name), text).unwrap();
        assert!(lock(folder.path()).unwrap_err().to_string().contains("no guest"));
        put("b.wasm", "");
        put("a.wasm", "abc");
        put("a.wasm.minisig", "");
        put("guests.lock", "# By hand.\n0123  gone.wasm\n");
        let (path, text) = lock(folder.path()).unwrap();
        assert_eq!(path, folder.path().join("guests.lock"));
        // FIPS 180-4's own example, and the digest of nothing.
        let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        let nothing = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(text, format!("# By hand.\n{abc}  a.wasm\n{nothing}  b.wasm\n"));
    }
}
