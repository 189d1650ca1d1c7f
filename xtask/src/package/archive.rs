//! The zip: the same files give the same bytes, whenever and wherever it is made.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read as _, Write as _};
use std::path::Path;

use anyhow::{Context as _, bail};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipArchive, ZipWriter};

use super::layout::{self, Entry};
use crate::repository::shown;

/// The bits of a mode that are rights.
const RIGHTS: u32 = 0o7777;

/// Packs files, in this order, into one folder of a zip.
pub(super) fn write(root: &str, entries: &[Entry], zip: &Path) -> anyhow::Result<()> {
    let cannot = || format!("{} cannot be written", shown(zip));
    let mut writer = ZipWriter::new(File::create(zip).with_context(cannot)?);
    for entry in entries {
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Deflated)
            // The first day that a zip can name: when something was built does not belong to what it is.
            .last_modified_time(DateTime::default())
            .unix_permissions(entry.mode);
        writer.start_file(format!("{root}/{}", entry.name), options).with_context(cannot)?;
        writer.write_all(&entry.content()?).with_context(cannot)?;
    }
    writer.finish().with_context(cannot)?;
    Ok(())
}

/// Unpacks a zip into a folder, and says what it holds: paths from its root, with their rights.
pub(super) fn unpack(zip: &Path, folder: &Path) -> anyhow::Result<BTreeMap<String, u32>> {
    let cannot = || format!("{} cannot be read", shown(zip));
    let mut archive =
        ZipArchive::new(File::open(zip).with_context(cannot)?).with_context(cannot)?;
    let mut packed = BTreeMap::new();
    for index in 0..archive.len() {
        let mut file = archive.by_index(index).with_context(cannot)?;
        let name = file.name().to_owned();
        let Some(path) = file.enclosed_name() else {
            bail!("{} has '{name}', which leads out of its folder", shown(zip));
        };
        let mode = file.unix_mode().with_context(|| format!("'{name}' has no rights"))? & RIGHTS;
        let mut content = Vec::new();
        file.read_to_end(&mut content).with_context(cannot)?;
        layout::put(&folder.join(path), &content, mode)?;
        if packed.insert(name.clone(), mode).is_some() {
            bail!("{} has '{name}' twice", shown(zip));
        }
    }
    Ok(packed)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn what_is_packed_is_unpacked_with_its_rights() {
        let folder = tempfile::tempdir().unwrap();
        let zip = folder.path().join("a.zip");
        let entry = |name: &str, content: &str, mode| {
            let source = folder.path().join(name);
            std::fs::write(&source, content).unwrap();
            Entry { name: name.to_owned(), source, mode }
        };
        let entries =
            [entry("program", "run", layout::PROGRAM), entry("text", "read", layout::FILE)];
        write("root", &entries, &zip).unwrap();
        let first = std::fs::read(&zip).unwrap();
        write("root", &entries, &zip).unwrap();
        assert_eq!(std::fs::read(&zip).unwrap(), first, "the same files give the same bytes");

        let out = folder.path().join("out");
        let packed = unpack(&zip, &out).unwrap();
        let expected = [("root/program", 0o755), ("root/text", 0o644)];
        assert_eq!(packed, expected.map(|(name, mode)| (name.to_owned(), mode)).into());
        let program = out.join("root/program");
        assert_eq!(std::fs::read_to_string(&program).unwrap(), "run");
        assert_eq!(program.metadata().unwrap().permissions().mode() & RIGHTS, 0o755);
    }
}
