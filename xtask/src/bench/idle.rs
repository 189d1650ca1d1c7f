//! The host's memory when it has ten guests loaded and nothing to do.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, ensure};
use graft_launch::{Datasource, Plugin};
use serde_json::json;

use crate::guests;
use crate::host::Installed;
use crate::process::Process;

/// How long nothing happens before memory is looked at.
const PAUSE: Duration = Duration::from_secs(3);

/// What the guests are made of, each five times under names of their own.
const GUESTS: [&str; 2] = ["things", "prometheus"];
const EACH: u8 = 5;

/// Memory in bytes, in a fresh process whose guests were all compiled before.
pub(super) async fn measure(binary: &Path) -> anyhow::Result<u64> {
    let folder = tempfile::tempdir().context("a temporary folder cannot be made")?;
    let (mut names, mut files) = (Vec::new(), Vec::new());
    for guest in GUESTS {
        let component = guests::build(guest)?;
        for number in 0..EACH {
            let (name, file) = renamed(folder.path(), guest, &component, number)?;
            names.push(name);
            files.push(file);
        }
    }
    let installed = Installed::new(binary, &files)?;
    // The compiler's own process is another, but what is read from its cache is what a restarted Grafana has.
    load_all(&installed, &names).await?.shutdown().await?;
    let plugin = load_all(&installed, &names).await?;
    tokio::time::sleep(PAUSE).await;
    let resident = Process(plugin.process_id().context("the plugin ended")?).resident()?;
    plugin.shutdown().await?;
    Ok(resident)
}

/// The same component under another name of the same length, so that it is another guest, compiled on its own.
fn renamed(
    folder: &Path,
    guest: &str,
    component: &Path,
    number: u8,
) -> anyhow::Result<(String, PathBuf)> {
    let mut bytes = std::fs::read(component).context("a guest cannot be read")?;
    let mut name = guest.to_owned();
    name.pop();
    name += &number.to_string();
    ensure!(name.len() == guest.len(), "a guest's new name is as long as its old one");
    for start in 0..bytes.len().saturating_sub(guest.len()) {
        let place = start..start + guest.len();
        if bytes[place.clone()] == *guest.as_bytes() {
            bytes[place].copy_from_slice(name.as_bytes());
        }
    }
    let file = folder.join(format!("{name}.wasm"));
    std::fs::write(&file, bytes).context("a guest cannot be written")?;
    Ok((name, file))
}

/// A guest is loaded before it is asked; that nothing listens at the address is told afterwards.
async fn load_all(installed: &Installed, names: &[String]) -> anyhow::Result<Plugin> {
    let plugin = Plugin::launch(installed.launch()).await?;
    for name in names {
        let settings = json!({ "guest": name, "thing": "x" });
        let datasource = Datasource::new(name, "http://127.0.0.1:1").settings(settings);
        let health = plugin.check_health(datasource.check_health()).await?;
        ensure!(health.message.contains("127.0.0.1:1"), "guest '{name}': {}", health.message);
    }
    Ok(plugin)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_guest_has_its_new_name_wherever_it_had_the_old_one() {
        let folder = tempfile::tempdir().unwrap();
        let component = folder.path().join("things.wasm");
        std::fs::write(&component, "a things, two things and thin").unwrap();
        let (name, file) = renamed(folder.path(), "things", &component, 3).unwrap();
        assert_eq!((name.as_str(), file), ("thing3", folder.path().join("thing3.wasm")));
        let content = std::fs::read_to_string(folder.path().join("thing3.wasm")).unwrap();
        assert_eq!(content, "a thing3, two thing3 and thin");
    }
}
