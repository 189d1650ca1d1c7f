package conformance

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"
)

// pluginID is the plugin's id in Grafana.
const pluginID = "graft-datasource"

// What was built before the tests, and where it keeps what it compiles. Absolute paths.
var (
	binary       string
	guestsFolder string
	cacheFolder  string
)

func TestMain(m *testing.M) {
	if err := findWhatWasBuilt(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Fprintln(os.Stderr, "The plugin under test is", binary)
	os.Exit(m.Run())
}

func findWhatWasBuilt() error {
	var err error
	if binary, err = findBinary(); err != nil {
		return err
	}
	guestsFolder, err = filepath.Abs(fromEnvironment("GRAFT_GUESTS", "../target/guests"))
	if err != nil {
		return err
	}
	if _, err := os.Stat(filepath.Join(guestsFolder, "fixtures", "odd.wasm")); err != nil {
		return fmt.Errorf("the guests are not in %s (%w): run `cargo xtask guests`, or say in GRAFT_GUESTS where they are", guestsFolder, err)
	}
	// Compiled guests outlive a run of the tests, because compiling takes longer than all tests.
	cacheFolder = filepath.Join(filepath.Dir(guestsFolder), "guests-cache")
	return os.MkdirAll(cacheFolder, 0o700)
}

// findBinary is the plugin that the environment names, else the one that was built last.
func findBinary() (string, error) {
	if given := os.Getenv("GRAFT_PLUGIN"); given != "" {
		return filepath.Abs(given)
	}
	var newest string
	var builtAt time.Time
	for _, profile := range []string{"release", "debug"} {
		path := filepath.Join("..", "target", profile, "gpx_graft")
		file, err := os.Stat(path)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return "", err
		}
		if newest == "" || file.ModTime().After(builtAt) {
			newest, builtAt = path, file.ModTime()
		}
	}
	if newest != "" {
		return filepath.Abs(newest)
	}
	return "", errors.New("there is no plugin to test: run `cargo build -p graft-host`, or say in GRAFT_PLUGIN where it is")
}

func fromEnvironment(name, otherwise string) string {
	if value := os.Getenv(name); value != "" {
		return value
	}
	return otherwise
}

// folder is a plugin's folder as Grafana expects it.
type folder struct {
	path string
	// executable is the path that Grafana starts.
	executable string
}

// install lays out a plugin's folder with guests, such as "things" or "fixtures/odd".
func install(t *testing.T, guests ...string) folder {
	t.Helper()
	path := filepath.Join(t.TempDir(), pluginID)
	executable := filepath.Join(path, fmt.Sprintf("gpx_graft_%s_%s", runtime.GOOS, runtime.GOARCH))
	must(t, os.MkdirAll(filepath.Join(path, "guests"), 0o755))
	put(t, binary, executable)
	put(t, filepath.Join("..", "plugin.json"), filepath.Join(path, "plugin.json"))
	for _, guest := range guests {
		file := filepath.Join(guestsFolder, guest+".wasm")
		put(t, file, filepath.Join(path, "guests", filepath.Base(file)))
	}
	return folder{path: path, executable: executable}
}

// put links a file where that is possible and copies it where it is not.
func put(t *testing.T, from, to string) {
	t.Helper()
	if os.Link(from, to) == nil {
		return
	}
	content, err := os.ReadFile(from)
	must(t, err)
	info, err := os.Stat(from)
	must(t, err)
	must(t, os.WriteFile(to, content, info.Mode().Perm()))
}

// must ends a test that cannot go on.
func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
