package conformance

import (
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/backend"
	"github.com/grafana/grafana-plugin-sdk-go/genproto/pluginv2"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/emptypb"
)

// callsAtOnce is how many queries are under way when the plugin is told to end.
const callsAtOnce = 200

// outcome is how a call ended.
type outcome struct {
	response *pluginv2.QueryDataResponse
	err      error
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
func endDuringCalls(t *testing.T, end func(t *testing.T, p *plugin), hold func(request *http.Request)) ([]outcome, time.Duration) {
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
			response, err := p.data.QueryData(within(t), request(thingsAt(api.url), dayTable("A")))
			outcomes[index] = outcome{response, err}
		})
	}
	// As many as the plugin has under way with one API.
	for range 16 {
		<-arrived
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
	outcomes, took := endDuringCalls(t, shutDown, untilDone)
	if took >= gracefulTime {
		t.Errorf("ending took %v", took)
	}
	for _, call := range outcomes {
		cleanly(t, call)
	}
}

func TestGrafanasOwnStopDuringCallsNeedsNoKill(t *testing.T) {
	end := func(_ *testing.T, p *plugin) { p.stop() }
	// An exit code of 0 says that the process was not killed.
	outcomes, took := endDuringCalls(t, end, untilDone)
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
	outcomes, took := endDuringCalls(t, end, hold)
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
	if answered < 16 {
		t.Errorf("%d calls were answered, though 16 were under way and done", answered)
	}
}
