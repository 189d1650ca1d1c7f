package conformance

import (
	"errors"
	"os/exec"
	"syscall"
	"testing"
	"time"

	goplugin "github.com/hashicorp/go-plugin"
)

// gracefulTime is what go-plugin leaves a plugin to end by itself.
const gracefulTime = 2 * time.Second

func TestThePluginStartsAnswersAndEndsByItself(t *testing.T) {
	p := launch(t, "fixtures/odd")
	equal(t, "the protocol", p.client.Protocol(), goplugin.ProtocolGRPC)
	equal(t, "the negotiated version", p.client.NegotiatedVersion(), 2)
	answersOne(t, p)
	if took := p.stop(); took >= gracefulTime {
		t.Errorf("stopping took %v", took)
	}
	equal(t, "the exit code", p.exited(t), 0)
}

func TestAPluginThatWasKilledStartsAgainInTheSameFolder(t *testing.T) {
	p := launch(t, "fixtures/odd")
	answersOne(t, p)
	must(t, p.command.Process.Kill())
	equal(t, "the exit code", p.exited(t), -1)
	answersOne(t, launchIn(t, p.folder, options{}))
}

func TestTwoPluginsRunFromOneFolder(t *testing.T) {
	one := launch(t, "fixtures/odd")
	other := launchIn(t, one.folder, options{})
	answersOne(t, one)
	answersOne(t, other)
}

func TestCtrlCInGrafanasTerminalDoesNotEndThePlugin(t *testing.T) {
	p := launch(t, "fixtures/odd")
	must(t, p.command.Process.Signal(syscall.SIGINT))
	answersOne(t, p)
	equal(t, "whether it has exited", p.client.Exited(), false)
}

func TestTheSignalOfSystemdEndsThePluginInOrder(t *testing.T) {
	p := launch(t, "fixtures/odd")
	begun := time.Now()
	must(t, p.command.Process.Signal(syscall.SIGTERM))
	equal(t, "the exit code", p.exited(t), 0)
	if took := time.Since(begun); took >= gracefulTime {
		t.Errorf("ending took %v", took)
	}
}

func TestThePluginRunsWithoutGrafanasOwnEnvironment(t *testing.T) {
	answersOne(t, launchIn(t, install(t, "fixtures/odd"), options{skipHostEnv: true}))
}

func TestThePluginServesTCPWhereTheAdminSaysSo(t *testing.T) {
	p := launchIn(t, install(t, "fixtures/odd"), options{settings: map[string]string{"network": "tcp"}})
	equal(t, "the network", p.client.ReattachConfig().Addr.Network(), "tcp")
	answersOne(t, p)
}

func TestTheSocketIsNotTheBusinessOfOtherUsers(t *testing.T) {
	p := launch(t)
	address := p.client.ReattachConfig().Addr
	equal(t, "the network", address.Network(), "unix")
	var stat syscall.Stat_t
	must(t, syscall.Stat(address.String(), &stat))
	equal(t, "what others may do", stat.Mode&0o077, 0)
}

func TestTheSocketOfAPluginThatEndedIsGone(t *testing.T) {
	p := launch(t)
	address := p.client.ReattachConfig().Addr.String()
	p.stop()
	var stat syscall.Stat_t
	if err := syscall.Stat(address, &stat); !errors.Is(err, syscall.ENOENT) {
		t.Errorf("%s: %v", address, err)
	}
}

func TestAClientThatAsksForMultiplexingIsToldThatThereIsNone(t *testing.T) {
	_, err := start(t, install(t), options{multiplex: true})
	if !errors.Is(err, goplugin.ErrGRPCBrokerMuxNotSupported) {
		t.Errorf("the error is %v", err)
	}
}

func TestAPersonWhoRunsTheBinaryIsToldWhatItIs(t *testing.T) {
	command := exec.Command(install(t).executable)
	var stdout, stderr logLines
	command.Env, command.Stdout, command.Stderr = []string{}, &stdout, &stderr
	var exit *exec.ExitError
	if err := command.Run(); !errors.As(err, &exit) || exit.ExitCode() != 1 {
		t.Errorf("it ended with %v", err)
	}
	equal(t, "the number of lines on stdout", len(stdout.all()), 0)
	stderr.waitFor(t, "Grafana starts it")
}

func TestASettingThatCannotBeReadEndsTheStart(t *testing.T) {
	_, err := start(t, install(t), options{settings: map[string]string{"rounds": "many"}})
	if err == nil {
		t.Fatal("it started")
	}
}

func TestLinesOfTheLogReachGrafanaAtTheirLevel(t *testing.T) {
	p := launch(t, "fixtures/odd")
	ask(t, p, request(odd(), behave("A", "refuse")))
	p.log.waitFor(t, "As it was told to.")
	line := p.managed.waitFor(t, "As it was told to.")
	if !containsAll(line, "[WARN]", "plugin."+pluginID, "refId=A") {
		t.Errorf("Grafana's log says %q", line)
	}
}

// answersOne asks for the number one.
func answersOne(t *testing.T, p *plugin) {
	t.Helper()
	frames := framesOf(t, p, odd(), behave("A", "answer"), 0)
	equal(t, "the number of frames", len(frames), 1)
	equal(t, "the answer", frames[0].At(0, 0), any(1.0))
}
