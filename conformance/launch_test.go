package conformance

import (
	"context"
	"fmt"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/backend/grpcplugin"
	goplugin "github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"
)

// patience is how long a test waits for what must come. Nothing that works takes as long, even where guests are
// compiled by several tests at once.
const patience = time.Minute

// handshake is what Grafana's plugin manager and all of its plugins have in common.
var handshake = goplugin.HandshakeConfig{
	ProtocolVersion:  grpcplugin.ProtocolVersion,
	MagicCookieKey:   grpcplugin.MagicCookieKey,
	MagicCookieValue: grpcplugin.MagicCookieValue,
}

// pluginSets are what Grafana dispenses, by protocol version.
func pluginSets() map[int]goplugin.PluginSet {
	return map[int]goplugin.PluginSet{
		grpcplugin.ProtocolVersion: {
			"diagnostics": &grpcplugin.DiagnosticsGRPCPlugin{},
			"resource":    &grpcplugin.ResourceGRPCPlugin{},
			"data":        &grpcplugin.DataGRPCPlugin{},
			"stream":      &grpcplugin.StreamGRPCPlugin{},
			"admission":   &grpcplugin.AdmissionGRPCPlugin{},
			"conversion":  &grpcplugin.ConversionGRPCPlugin{},
		},
	}
}

// options say how a launch differs from Grafana's usual one.
type options struct {
	// settings are keys of grafana.ini, section [plugin.graft-datasource].
	settings map[string]string
	// variables stand in the environment before everything that Grafana sets.
	variables []string
	// autoMTLS asks for mutual TLS, which Grafana does not.
	autoMTLS bool
	// multiplex asks for one connection for all brokered streams, which Grafana does not.
	multiplex bool
	// skipHostEnv keeps the tests' own environment from the plugin.
	skipHostEnv bool
}

// plugin is a launched plugin with all of its clients.
type plugin struct {
	folder folder
	client *goplugin.Client
	// protocol is the connection that go-plugin made.
	protocol *goplugin.GRPCClient
	command  *exec.Cmd
	// log is what the plugin wrote to stderr.
	log *logLines
	// managed is what go-plugin's side logged, the plugin's lines among it.
	managed     *logLines
	diagnostics grpcplugin.DiagnosticsClient
	resource    grpcplugin.ResourceClient
	data        grpcplugin.DataClient
	stream      grpcplugin.StreamClient
	admission   grpcplugin.AdmissionClient
	conversion  grpcplugin.ConversionClient
}

// launch starts a plugin with these guests as Grafana does, and stops it when the test ends.
func launch(t *testing.T, guests ...string) *plugin {
	t.Helper()
	return launchIn(t, install(t, guests...), options{})
}

// launchIn starts the plugin of a folder.
func launchIn(t *testing.T, folder folder, options options) *plugin {
	t.Helper()
	started, err := start(t, folder, options)
	must(t, err)
	return started
}

// start is launchIn for launches that may fail.
func start(t *testing.T, folder folder, options options) (*plugin, error) {
	t.Helper()
	log, managed, printed := &logLines{}, &logLines{}, &logLines{}
	command := command(folder, options)
	client := goplugin.NewClient(&goplugin.ClientConfig{
		Cmd:                 command,
		HandshakeConfig:     handshake,
		VersionedPlugins:    pluginSets(),
		AllowedProtocols:    []goplugin.Protocol{goplugin.ProtocolGRPC},
		AutoMTLS:            options.autoMTLS,
		GRPCBrokerMultiplex: options.multiplex,
		SkipHostEnv:         options.skipHostEnv,
		Logger:              managed.logger(),
		Stderr:              log,
		SyncStdout:          printed,
		SyncStderr:          printed,
	})
	t.Cleanup(func() {
		client.Kill()
		log.check(t)
		if lines := printed.all(); len(lines) > 0 {
			t.Errorf("after its handshake the plugin printed %q", lines)
		}
	})
	protocol, err := client.Client()
	if err != nil {
		return nil, fmt.Errorf("%w; it logged %q", err, log.all())
	}
	launched := &plugin{
		folder: folder, client: client, protocol: protocol.(*goplugin.GRPCClient), command: command,
		log: log, managed: managed,
	}
	launched.dispense(t)
	return launched, nil
}

// command is how Grafana calls the executable: from its own working directory, with its own list of variables.
func command(folder folder, options options) *exec.Cmd {
	command := exec.Command(folder.executable)
	command.Dir = "/"
	command.Env = append(options.variables, "GF_VERSION=13.1.0", "GF_PLUGIN_CACHE="+cacheFolder)
	for key, value := range options.settings {
		command.Env = append(command.Env, fmt.Sprintf("GF_PLUGIN_%s=%s", strings.ToUpper(key), value))
	}
	return command
}

func (p *plugin) dispense(t *testing.T) {
	t.Helper()
	p.diagnostics = dispensed[grpcplugin.DiagnosticsClient](t, p, "diagnostics")
	p.resource = dispensed[grpcplugin.ResourceClient](t, p, "resource")
	p.data = dispensed[grpcplugin.DataClient](t, p, "data")
	p.stream = dispensed[grpcplugin.StreamClient](t, p, "stream")
	p.admission = dispensed[grpcplugin.AdmissionClient](t, p, "admission")
	p.conversion = dispensed[grpcplugin.ConversionClient](t, p, "conversion")
}

func dispensed[Client any](t *testing.T, p *plugin, name string) Client {
	t.Helper()
	raw, err := p.protocol.Dispense(name)
	must(t, err)
	return raw.(Client)
}

// connection is the connection that all clients share.
func (p *plugin) connection() *grpc.ClientConn { return p.protocol.Conn }

// stop stops the plugin as Grafana does, and says how long that took.
func (p *plugin) stop() time.Duration {
	begun := time.Now()
	p.client.Kill()
	return time.Since(begun)
}

// exited waits until the process has ended, and gives its exit code.
func (p *plugin) exited(t *testing.T) int {
	t.Helper()
	p.managed.waitFor(t, "plugin process exited")
	return p.command.ProcessState.ExitCode()
}

// next is the next value of a channel, or the end of a test that waits for it in vain.
func next[Value any](t *testing.T, what string, values <-chan Value) Value {
	t.Helper()
	select {
	case value := <-values:
		return value
	case <-time.After(patience):
		t.Fatalf("%s does not come", what)
		panic("unreachable")
	}
}

// within is a context for what must not take long.
func within(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	return ctx
}
