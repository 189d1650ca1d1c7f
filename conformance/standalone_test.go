package conformance

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"

	"github.com/grafana/grafana-plugin-sdk-go/backend"
	"github.com/grafana/grafana-plugin-sdk-go/experimental/datasourcetest"
	"github.com/grafana/grafana-plugin-sdk-go/genproto/pluginv2"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/emptypb"
)

// addressVariable names the standalone server's address.
const addressVariable = "GF_PLUGIN_GRPC_ADDRESS_GRAFT_DATASOURCE"

// standalone is what a developer started in the plugin's folder.
type standalone struct {
	*process
	address string
}

// startStandalone starts the plugin as a developer does, from the folder and without anything that Grafana sets.
func startStandalone(t *testing.T, folder folder, variables ...string) standalone {
	t.Helper()
	command := exec.Command(folder.executable, "-standalone")
	command.Dir = folder.path
	command.Env = append(os.Environ(), "GF_PLUGIN_CACHE="+cacheFolder)
	command.Env = append(command.Env, variables...)
	own := startCommand(t, command)
	isAddress := func(content []byte) bool {
		_, _, err := net.SplitHostPort(string(content))
		return err == nil
	}
	return standalone{own, string(own.file(t, filepath.Join(folder.path, "standalone.txt"), isAddress))}
}

// dial connects to the server directly.
func (s standalone) dial(t *testing.T) *grpc.ClientConn {
	t.Helper()
	connection, err := grpc.NewClient(s.address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	must(t, err)
	t.Cleanup(func() { _ = connection.Close() })
	return connection
}

// answersDirectly asks a standalone server with the SDK's own test client.
func answersDirectly(t *testing.T, connection *grpc.ClientConn) {
	t.Helper()
	client := &datasourcetest.TestPluginClient{DataClient: pluginv2.NewDataClient(connection)}
	response, err := client.QueryData(within(t), &backend.QueryDataRequest{
		PluginContext: backend.FromProto().PluginContext(odd()),
		Queries:       []backend.DataQuery{{RefID: "A", JSON: object{"behaviour": "answer"}.bytes()}},
	})
	must(t, err)
	must(t, response.Responses["A"].Error)
	equal(t, "the answer", response.Responses["A"].Frames[0].At(0, 0), any(1.0))
}

func TestADevelopersServerSaysWhereItIsAndAnswersThere(t *testing.T) {
	folder := install(t, "fixtures/odd")
	server := startStandalone(t, folder)
	answersDirectly(t, server.dial(t))
	pid := server.file(t, filepath.Join(folder.path, "pid.txt"), func(content []byte) bool { return len(content) > 0 })
	equal(t, "the process", string(pid), strconv.Itoa(server.command.Process.Pid))
	for _, name := range []string{"standalone.txt", "pid.txt"} {
		info, err := os.Stat(filepath.Join(folder.path, name))
		must(t, err)
		equal(t, "the mode of "+name, info.Mode().Perm(), 0o600)
	}
}

func TestADevelopersServerListensWhereItIsTold(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	address := listener.Addr().String()
	must(t, listener.Close())
	server := startStandalone(t, install(t, "fixtures/odd"), addressVariable+"="+address)
	equal(t, "the address", server.address, address)
	answersDirectly(t, server.dial(t))
}

func TestGrafanaAttachesToADevelopersServer(t *testing.T) {
	folder := install(t, "fixtures/odd")
	server := startStandalone(t, folder)
	p := launchIn(t, folder, options{})
	equal(t, "the network", p.client.ReattachConfig().Addr.Network(), "tcp")
	answersOne(t, p)
	// Grafana stops its own child, and the developer's server goes on.
	p.stop()
	answersDirectly(t, server.dial(t))
}

func TestGrafanaAttachesToTheAddressInItsEnvironment(t *testing.T) {
	server := startStandalone(t, install(t, "fixtures/odd"))
	own := options{variables: []string{addressVariable + "=" + server.address}}
	answersOne(t, launchIn(t, install(t), own))
}

func TestADevelopersServerHasGrafanasServicesAlone(t *testing.T) {
	connection := startStandalone(t, install(t, "fixtures/odd")).dial(t)
	err := connection.Invoke(within(t), "/plugin.GRPCController/Shutdown", &emptypb.Empty{}, &emptypb.Empty{})
	equal(t, "the controller", status.Code(err), codes.Unimplemented)
	_, err = grpc_health_v1.NewHealthClient(connection).Check(within(t), &grpc_health_v1.HealthCheckRequest{Service: "plugin"})
	equal(t, "the health", status.Code(err), codes.Unimplemented)
	answersDirectly(t, connection)
}

func TestADevelopersServerTakesItsFilesAlong(t *testing.T) {
	for _, signal := range []os.Signal{syscall.SIGINT, syscall.SIGTERM} {
		folder := install(t)
		server := startStandalone(t, folder)
		must(t, server.command.Process.Signal(signal))
		equal(t, "the exit code", server.exitCode(t), 0)
		for _, name := range []string{"standalone.txt", "pid.txt"} {
			if _, err := os.Stat(filepath.Join(folder.path, name)); !os.IsNotExist(err) {
				t.Errorf("%s is still there after %v", name, signal)
			}
		}
	}
}

func TestFilesOfADevelopersServerThatDiedAreNoHindrance(t *testing.T) {
	folder := install(t, "fixtures/odd")
	gone := exec.Command("true")
	must(t, gone.Run())
	must(t, os.WriteFile(filepath.Join(folder.path, "standalone.txt"), []byte("127.0.0.1:9"), 0o600))
	pid := strconv.Itoa(gone.Process.Pid)
	must(t, os.WriteFile(filepath.Join(folder.path, "pid.txt"), []byte(pid), 0o600))
	answersOne(t, launchIn(t, folder, options{}))
}
