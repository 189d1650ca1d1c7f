package conformance

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/backend"
	"github.com/grafana/grafana-plugin-sdk-go/genproto/pluginv2"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/emptypb"
)

// callsAtOnce is how many calls are under way when the plugin is told to end.
const callsAtOnce = 200

// exchangesAtOnce is how many requests the plugin has under way with one API.
const exchangesAtOnce = 16

// outcome is how a call ended.
type outcome struct {
	// response is what a call answered that is answered at once.
	response *pluginv2.QueryDataResponse
	err      error
}

// caller asks for a table that the things API at a URL has.
type caller func(t *testing.T, p *plugin, url, name string) outcome

func wholly(t *testing.T, p *plugin, url, name string) outcome {
	t.Helper()
	response, err := p.data.QueryData(within(t), request(thingsAt(url), table("A", name)))
	return outcome{response, err}
}

func inChunks(t *testing.T, p *plugin, url, name string) outcome {
	t.Helper()
	asked := &pluginv2.QueryChunkedDataRequest{PluginContext: thingsAt(url), Queries: []*pluginv2.DataQuery{table("A", name)}}
	stream, err := p.data.QueryChunkedData(within(t), asked)
	for err == nil {
		_, err = stream.Recv()
	}
	return outcome{err: err}
}

func asAStream(t *testing.T, p *plugin, url, name string) outcome {
	t.Helper()
	path, payload := live(object{"refId": "A", "table": name, "fields": []string{"_avg"}}, time.Second, time.Minute)
	asked := &pluginv2.RunStreamRequest{PluginContext: thingsAt(url), Path: path, Data: payload}
	stream, err := p.stream.RunStream(within(t), asked)
	for err == nil {
		_, err = stream.Recv()
	}
	return outcome{err: err}
}

// untilDone holds up an API until the plugin gives up.
func untilDone(request *http.Request) { <-request.Context().Done() }

// shutDown tells the plugin to end. The connection stays open, unlike Grafana's, so that each end of a call is the plugin's.
func shutDown(t *testing.T, p *plugin) {
	t.Helper()
	must(t, p.connection().Invoke(within(t), "/plugin.GRPCController/Shutdown", &emptypb.Empty{}, &emptypb.Empty{}))
}

// endDuringCalls has calls under way, of which some have reached the API, ends the plugin, and says how each call ended
// and how long the process took.
func endDuringCalls(t *testing.T, call caller, end func(t *testing.T, p *plugin), hold func(request *http.Request)) ([]outcome, time.Duration) {
	t.Helper()
	p := launch(t, "things")
	arrived := make(chan struct{}, callsAtOnce)
	api := serve(t, func(writer http.ResponseWriter, request *http.Request) {
		arrived <- struct{}{}
		hold(request)
		says(thingsBody)(writer, request)
	})
	outcomes := make([]outcome, callsAtOnce)
	var calls sync.WaitGroup
	for index := range outcomes {
		calls.Go(func() {
			// One that asks what another asks would be answered with it.
			outcomes[index] = call(t, p, api.url, fmt.Sprintf("day%d", index))
		})
	}
	for range exchangesAtOnce {
		next(t, "a request to the API", arrived)
	}
	begun := time.Now()
	end(t, p)
	equal(t, "the exit code", p.exited(t), 0)
	took := time.Since(begun)
	calls.Wait()
	return outcomes, took
}

// cleanly expects an answer, or a gRPC status that says that the plugin is gone.
func cleanly(t *testing.T, call outcome) (isAnswered bool) {
	t.Helper()
	if call.err == nil {
		equal(t, "the number of answers", len(call.response.Responses), 1)
		return true
	}
	switch code := status.Code(call.err); code {
	case codes.Unavailable, codes.Canceled:
	default:
		t.Errorf("a call ended with %v: %v", code, call.err)
	}
	return false
}

func TestCallsDuringAShutdownThatAnAPIHoldsUpAreCutOffCleanly(t *testing.T) {
	for name, kind := range map[string]struct {
		call caller
		// says is of the plugin's own sentence: a connection that breaks has the same code.
		says string
	}{
		"whole answers": {wholly, "Grafana stopped this plugin"},
		"chunks":        {inChunks, "Grafana stopped this plugin"},
		"streams":       {asAStream, "the plugin is ending"},
	} {
		t.Run(name, func(t *testing.T) {
			outcomes, took := endDuringCalls(t, kind.call, shutDown, untilDone)
			if took >= gracefulTime {
				t.Errorf("ending took %v", took)
			}
			told := 0
			for _, call := range outcomes {
				equal(t, "whether a call that is held up is answered", cleanly(t, call), false)
				if strings.Contains(status.Convert(call.err).Message(), kind.says) {
					told++
				}
			}
			if told < exchangesAtOnce {
				t.Errorf("%d calls were told why, though %d were under way", told, exchangesAtOnce)
			}
		})
	}
}

func TestGrafanasOwnStopDuringCallsNeedsNoKill(t *testing.T) {
	end := func(_ *testing.T, p *plugin) { p.stop() }
	// An exit code of 0 says that the process was not killed.
	outcomes, took := endDuringCalls(t, wholly, end, untilDone)
	if took >= gracefulTime {
		t.Errorf("ending took %v", took)
	}
	for _, call := range outcomes {
		cleanly(t, call)
	}
}

func TestCallsDuringAShutdownThatAreDoneInTimeAreAnswered(t *testing.T) {
	release := make(chan struct{})
	hold := func(request *http.Request) {
		select {
		case <-release:
		case <-request.Context().Done():
		}
	}
	end := func(t *testing.T, p *plugin) {
		t.Helper()
		shutDown(t, p)
		close(release)
	}
	outcomes, took := endDuringCalls(t, wholly, end, hold)
	if took >= gracefulTime {
		t.Errorf("ending took %v", took)
	}
	answered := 0
	for _, call := range outcomes {
		if !cleanly(t, call) {
			continue
		}
		answer := decoded(t, call.response)["A"]
		if answer.Status != backend.StatusOK {
			t.Errorf("an answer has the status %d: %v", answer.Status, answer.Error)
		}
		answered++
	}
	if answered < exchangesAtOnce {
		t.Errorf("%d calls were answered, though %d were under way and done", answered, exchangesAtOnce)
	}
}
