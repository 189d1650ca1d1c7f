package conformance

import (
	"bytes"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/genproto/pluginv2"
)

type pluginFormat = pluginv2.DataFrameFormat

// process is the plugin's process without go-plugin between, for what go-plugin hides.
type process struct {
	command *exec.Cmd
	stdout  logLines
	log     logLines
	// ended is closed when the process has ended.
	ended chan struct{}
}

// startRaw starts the executable as go-plugin does, with more variables and no arguments.
func startRaw(t *testing.T, folder folder, variables ...string) *process {
	t.Helper()
	command := command(folder, options{variables: variables})
	command.Env = append(command.Env,
		"grafana_plugin_type=datasource", "PLUGIN_PROTOCOL_VERSIONS=2", "PLUGIN_MIN_PORT=10000", "PLUGIN_MAX_PORT=25000")
	return startCommand(t, command)
}

// startCommand starts a process that ends with the test.
func startCommand(t *testing.T, command *exec.Cmd) *process {
	t.Helper()
	own := &process{command: command, ended: make(chan struct{})}
	command.Stdout, command.Stderr = &own.stdout, &own.log
	must(t, command.Start())
	go func() {
		_ = command.Wait()
		own.stdout.end()
		own.log.end()
		close(own.ended)
	}()
	t.Cleanup(func() {
		// A process that is killed leaves its socket behind.
		_ = command.Process.Signal(syscall.SIGTERM)
		select {
		case <-own.ended:
		case <-time.After(gracefulTime):
			_ = command.Process.Kill()
			<-own.ended
		}
	})
	return own
}

// fields are those of the handshake.
func (p *process) fields(t *testing.T) []string {
	t.Helper()
	return strings.Split(p.stdout.waitFor(t, "|"), "|")
}

// exitCode waits for the process to end.
func (p *process) exitCode(t *testing.T) int {
	t.Helper()
	select {
	case <-p.ended:
	case <-time.After(patience):
		t.Fatal("it does not end")
	}
	return p.command.ProcessState.ExitCode()
}

// file waits for a file that the process writes, which says nothing when it is done.
func (p *process) file(t *testing.T, path string, isDone func(content []byte) bool) []byte {
	t.Helper()
	look := time.NewTicker(10 * time.Millisecond)
	defer look.Stop()
	late := time.After(patience)
	for {
		content, err := os.ReadFile(path)
		if content = bytes.TrimSpace(content); err == nil && isDone(content) {
			return content
		}
		select {
		case <-look.C:
		case <-p.ended:
			t.Fatalf("it ended, and wrote %q", p.log.all())
		case <-late:
			t.Fatalf("%s holds %q (%v)", path, content, err)
		}
	}
}
