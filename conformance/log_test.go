package conformance

import (
	"bytes"
	"encoding/json"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
)

// logLineBytes is where go-plugin takes a line of the log for more than one.
const logLineBytes = 64 << 10

// logLines collects what a plugin writes, line by line.
type logLines struct {
	lock    sync.Mutex
	partial []byte
	lines   []string
	// changed is closed and replaced when a line comes.
	changed chan struct{}
	// isOver says that no line will come any more.
	isOver bool
}

// Write takes what the plugin wrote.
func (l *logLines) Write(bytesWritten []byte) (int, error) {
	l.lock.Lock()
	defer l.lock.Unlock()
	l.partial = append(l.partial, bytesWritten...)
	for {
		line, rest, found := bytes.Cut(l.partial, []byte("\n"))
		if !found {
			break
		}
		l.lines = append(l.lines, string(line))
		l.partial = rest
	}
	l.tell()
	return len(bytesWritten), nil
}

// end says that no line will come any more.
func (l *logLines) end() {
	l.lock.Lock()
	defer l.lock.Unlock()
	l.isOver = true
	l.tell()
}

// tell wakes those who wait. The lock is held.
func (l *logLines) tell() {
	if l.changed != nil {
		close(l.changed)
		l.changed = nil
	}
}

// all are the lines so far.
func (l *logLines) all() []string {
	l.lock.Lock()
	defer l.lock.Unlock()
	return append([]string(nil), l.lines...)
}

// waitFor waits for a line that contains a text, past or to come.
func (l *logLines) waitFor(t *testing.T, text string) string {
	t.Helper()
	late := time.After(patience)
	for {
		l.lock.Lock()
		for _, line := range l.lines {
			if strings.Contains(line, text) {
				l.lock.Unlock()
				return line
			}
		}
		if l.isOver {
			l.lock.Unlock()
			t.Fatalf("no line contains %q: %q", text, l.all())
		}
		if l.changed == nil {
			l.changed = make(chan struct{})
		}
		changed := l.changed
		l.lock.Unlock()
		select {
		case <-changed:
		case <-late:
			t.Fatalf("no line contains %q: %q", text, l.all())
		}
	}
}

// logger is a logger into these lines, with the name that Grafana gives it.
func (l *logLines) logger() hclog.Logger {
	return hclog.New(&hclog.LoggerOptions{Name: "plugin." + pluginID, Level: hclog.Trace, Output: l})
}

// check holds each line against what hclog's reader wants: a line that it cannot read takes down Grafana or gets lost.
func (l *logLines) check(t *testing.T) {
	t.Helper()
	for _, line := range l.all() {
		if problem := logLineProblem(line); problem != "" {
			t.Errorf("the plugin logged a line that %s: %s", problem, line)
		}
	}
}

// logLineProblem says what is wrong with a line; nothing if nothing is.
func logLineProblem(line string) string {
	if len(line) >= logLineBytes {
		return "is too long"
	}
	var entry map[string]any
	if err := json.Unmarshal([]byte(line), &entry); err != nil {
		return "is no JSON object (" + err.Error() + ")"
	}
	for _, key := range []string{"@level", "@message", "@timestamp"} {
		if _, isText := entry[key].(string); !isText {
			return "has no text as " + key
		}
	}
	if _, err := time.Parse("2006-01-02T15:04:05.000000Z07:00", entry["@timestamp"].(string)); err != nil {
		return "has a time that go-plugin cannot read (" + err.Error() + ")"
	}
	if hclog.LevelFromString(entry["@level"].(string)) == hclog.NoLevel {
		return "has a level that hclog does not know"
	}
	for key, value := range entry {
		if _, isNested := value.(map[string]any); isNested {
			return "has an object as " + key
		}
	}
	return ""
}
