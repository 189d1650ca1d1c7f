//! All tests: Rust's, those of the guests in other languages, and those by Grafana's own code.

use std::time::Duration;

use anyhow::bail;

use crate::repository::{cargo, cargo_within, command, root, target};
use crate::step::{loudly, quietly, step, time};
use crate::{frontend, guests, host, setup};

/// What no run of Rust's tests takes on two cores, were it not for one that waits for what never comes. The last lines say for which.
const TESTS_TIME: &str = "30m";

/// Runs all tests, also after some failed, and says what came of them.
pub(crate) fn run() -> anyhow::Result<()> {
    guests::run()?;
    let mut summary = Summary::default();
    setup::or_left_out("what asks real servers of HTTP", setup::servers())?;
    // First everything is compiled, so that the time of the tests is that of the tests.
    let built = loudly("test binaries", cargo().args(["test", "--workspace", "--no-run"]));
    if summary.add("build", built) {
        let tests = loudly("Rust's tests", cargo_within(TESTS_TIME).args(["test", "--workspace"]));
        summary.add("Rust", tests);
    }
    if setup::or_left_out("the JavaScript fixture's tests", setup::javascript())?.is_some() {
        let folder = root().join("guests/fixtures/javascript");
        let mut npm = command("npm");
        let tests = loudly("JavaScript's tests", npm.arg("test").current_dir(folder));
        summary.add("JavaScript", tests);
    }
    if setup::or_left_out("the Python fixture's tests", setup::python())?.is_some() {
        summary.add("Python", python());
    }
    if setup::or_left_out("the frontend's checks", setup::frontend())?.is_some() {
        summary.add("frontend", frontend::check());
    }
    let go = setup::go().and_then(|()| setup::prometheus());
    if setup::or_left_out("the conformance tests", go)?.is_some() {
        summary.add("conformance", conformance());
    }
    summary.end()
}

/// The plugin, launched and asked by Grafana's own code.
fn conformance() -> anyhow::Result<Duration> {
    let plugin = host::built_for_tests()?;
    step("Go's gofmt and vet", || {
        let unformatted = quietly(command("gofmt").args(["-l", "conformance", "bench/peers/go"]))?;
        if !unformatted.is_empty() {
            bail!("not as gofmt would have them: {unformatted}");
        }
        quietly(setup::in_conformance().args(["vet", "./..."]))
    })?;
    // Go knows nothing of the plugin, so it would take an earlier run's results for those of this one.
    let mut tests = setup::in_conformance();
    tests.args(["test", "-count=1", "./..."]);
    tests.env("GRAFT_PLUGIN", plugin).env("GRAFT_GUESTS", target().join("guests"));
    loudly("Conformance tests", &mut tests)
}

fn python() -> anyhow::Result<Duration> {
    let environment = setup::python()?;
    let bindings = target().join("python-bindings");
    step("Python's bindings", || {
        // The tool writes only into a folder that is new.
        if bindings.exists() {
            std::fs::remove_dir_all(&bindings)?;
        }
        let mut tool = command(environment.join("bin/componentize-py"));
        tool.args(["-d", "wit", "-w", "datasource", "bindings"]).arg(&bindings);
        quietly(&mut tool)
    })?;
    let path = std::env::join_paths([bindings, root().join("guests/fixtures/python")])?;
    let mut tests = command(environment.join("bin/python"));
    tests.args(["-m", "unittest", "test_guest"]).env("PYTHONPATH", path);
    // Python's caches would lie between the sources.
    loudly("Python's tests", tests.env("PYTHONDONTWRITEBYTECODE", "1"))
}

/// What came of several stages.
#[derive(Default)]
pub(crate) struct Summary {
    lines: Vec<String>,
    failed: Vec<&'static str>,
}

impl Summary {
    /// Adds a stage and says whether it went well.
    pub(crate) fn add(&mut self, stage: &'static str, outcome: anyhow::Result<Duration>) -> bool {
        let (outcome, is_well) = match outcome {
            Ok(took) => (time(took), true),
            Err(error) => {
                eprintln!("error: {error:#}");
                self.failed.push(stage);
                ("FAILED".to_owned(), false)
            }
        };
        self.lines.push(format!("{outcome:>12}  {stage}"));
        is_well
    }

    /// Shows all stages.
    pub(crate) fn end(self) -> anyhow::Result<()> {
        println!("\n{}", self.lines.join("\n"));
        if !self.failed.is_empty() {
            bail!("failed: {}", self.failed.join(", "));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_summary_names_what_failed_and_shows_all() {
        let mut summary = Summary::default();
        assert!(summary.add("build", Ok(Duration::from_millis(1500))));
        assert!(!summary.add("Rust", Err(anyhow::anyhow!("one test failed"))));
        assert_eq!(summary.lines, ["       1.5 s  build", "      FAILED  Rust"]);
        assert!(summary.end().unwrap_err().to_string().starts_with("failed: Rust"));
    }
}
