package conformance

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/data"
	"github.com/grafana/grafana-plugin-sdk-go/genproto/pluginv2"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// tick is the interval of streams in tests, which an admin has to allow.
const tick = 200 * time.Millisecond

// quick lets streams be as fast as tests want them.
var quick = options{settings: map[string]string{"live_interval_min": "100ms"}}

// live is a channel of Grafana Live for a query: its path, and the data that goes with it.
func live(model object, interval, span time.Duration) (path string, payload []byte) {
	text := string(model.bytes())
	hash := sha256.Sum256([]byte(text))
	path = fmt.Sprintf("live/%d/%d/%x", interval.Milliseconds(), span.Milliseconds(), hash)
	return path, object{"query": text}.bytes()
}

// ticks is a query whose answer grows as time goes on.
func ticks() object {
	return object{"refId": "A", "behaviour": "ticks", "intervalMs": tick.Milliseconds(), "maxDataPoints": 1_000}
}

// run starts a stream that ends with the test.
func run(t *testing.T, p *plugin, source *pluginv2.PluginContext, path string, payload []byte) (pluginv2.Stream_RunStreamClient, context.CancelFunc) {
	t.Helper()
	ctx, cancel := context.WithCancel(within(t))
	t.Cleanup(cancel)
	stream, err := p.stream.RunStream(ctx, &pluginv2.RunStreamRequest{PluginContext: source, Path: path, Data: payload})
	must(t, err)
	return stream, cancel
}

// packet is the next packet of a stream, and its members.
func packet(t *testing.T, stream pluginv2.Stream_RunStreamClient) ([]byte, map[string]json.RawMessage) {
	t.Helper()
	received, err := stream.Recv()
	must(t, err)
	var members map[string]json.RawMessage
	must(t, json.Unmarshal(received.Data, &members))
	return received.Data, members
}

func TestASubscriberOfAQueryIsWelcome(t *testing.T) {
	p := launchIn(t, install(t, "fixtures/odd"), quick)
	path, payload := live(ticks(), tick, time.Minute)
	response, err := p.stream.SubscribeStream(within(t), &pluginv2.SubscribeStreamRequest{
		PluginContext: odd(), Path: path, Data: payload,
	})
	must(t, err)
	equal(t, "the status", response.Status, pluginv2.SubscribeStreamResponse_OK)
	if len(response.Data) > 0 && !json.Valid(response.Data) {
		t.Errorf("the first data are no JSON: %s", response.Data)
	}
	if len(path) > 160 || strings.Trim(path, "abcdefghijklmnopqrstuvwxyz0123456789/") != "" {
		t.Errorf("%s is no path of Grafana Live", path)
	}
}

func TestASubscriberOfNoQueryIsNotFound(t *testing.T) {
	p := launch(t, "fixtures/odd")
	path, payload := live(ticks(), time.Second, time.Minute)
	_, other := live(object{"behaviour": "answer"}, time.Second, time.Minute)
	for name, asked := range map[string]*pluginv2.SubscribeStreamRequest{
		"another query's data": {Path: path, Data: other},
		"no data":              {Path: path},
		"data without a query": {Path: path, Data: []byte("{}")},
		"another path":         {Path: "nowhere", Data: payload},
		"no interval":          {Path: strings.Replace(path, "live/1000/", "live/x/", 1), Data: payload},
	} {
		asked.PluginContext = odd()
		response, err := p.stream.SubscribeStream(within(t), asked)
		must(t, err)
		equal(t, name, response.Status, pluginv2.SubscribeStreamResponse_NOT_FOUND)
	}
}

func TestNobodyMayPublish(t *testing.T) {
	p := launch(t, "fixtures/odd")
	path, payload := live(ticks(), time.Second, time.Minute)
	for _, path := range []string{path, "nowhere"} {
		response, err := p.stream.PublishStream(within(t), &pluginv2.PublishStreamRequest{
			PluginContext: odd(), Path: path, Data: payload,
		})
		must(t, err)
		equal(t, "the status", response.Status, pluginv2.PublishStreamResponse_PERMISSION_DENIED)
	}
}

func TestAStreamBeginsWithAWholeFrameAndGoesOnWithNewRowsAlone(t *testing.T) {
	p := launchIn(t, install(t, "fixtures/odd"), quick)
	path, payload := live(ticks(), tick, time.Minute)
	stream, _ := run(t, p, odd(), path, payload)
	first, members := packet(t, stream)
	equal(t, "whether the first packet has a schema", members["schema"] != nil, true)
	frame := &data.Frame{}
	must(t, json.Unmarshal(first, frame))
	equal(t, "the first field", frame.Fields[0].Name, "time")
	equal(t, "the second field", frame.Fields[1].Name, "seconds")
	rows := frame.Rows()
	for range 3 {
		more, members := packet(t, stream)
		equal(t, "whether a later packet has a schema", members["schema"] != nil, false)
		must(t, data.AppendJSONData(frame, more))
		if frame.Rows() == rows {
			t.Error("a packet has no new rows")
		}
		rows = frame.Rows()
	}
	for row := 1; row < rows; row++ {
		before, after := frame.At(0, row-1).(time.Time), frame.At(0, row).(time.Time)
		if !after.After(before) {
			t.Errorf("row %d is at %v, after %v", row, after, before)
		}
	}
}

func TestAStreamEndsWhenNobodyListens(t *testing.T) {
	p := launchIn(t, install(t, "fixtures/odd"), quick)
	path, payload := live(ticks(), tick, time.Minute)
	stream, cancel := run(t, p, odd(), path, payload)
	packet(t, stream)
	cancel()
	var err error
	for err == nil {
		_, err = stream.Recv()
	}
	equal(t, "the end", status.Code(err), codes.Canceled)
	answersOne(t, p)
}

func TestAnAPIIsNotAskedMoreOftenThanTheAdminAllows(t *testing.T) {
	p := launch(t, "fixtures/odd")
	// An interval begins before the guest is loaded, so that the first would seem short.
	answersOne(t, p)
	arrived := make(chan time.Time, 100)
	api := serve(t, func(writer http.ResponseWriter, request *http.Request) {
		arrived <- time.Now()
		says(`"x"`)(writer, request)
	})
	path, payload := live(object{"refId": "A", "behaviour": "show-responses"}, time.Millisecond, time.Minute)
	stream, _ := run(t, p, datasource("odd", api.url), path, payload)
	ended := make(chan error, 1)
	go func() {
		var err error
		for err == nil {
			_, err = stream.Recv()
		}
		ended <- err
	}()
	moments := make([]time.Time, 3)
	for index := range moments {
		select {
		case moments[index] = <-arrived:
		case err := <-ended:
			t.Fatalf("the API was asked %d times, and the stream ended: %v", index, err)
		}
	}
	if between := moments[2].Sub(moments[0]); between < 1_500*time.Millisecond {
		t.Errorf("two intervals of a second took %v", between)
	}
}

func TestAStreamWhoseAPIFailsIsNotOver(t *testing.T) {
	p := launchIn(t, install(t, "things"), quick)
	arrived := make(chan struct{}, 100)
	api := serve(t, func(writer http.ResponseWriter, _ *http.Request) {
		arrived <- struct{}{}
		writer.WriteHeader(http.StatusServiceUnavailable)
	})
	path, payload := live(object{"refId": "A", "table": "day", "fields": []string{"_avg"}}, tick, time.Minute)
	stream, _ := run(t, p, thingsAt(api.url), path, payload)
	ended := make(chan error, 1)
	go func() {
		var err error
		for err == nil {
			_, err = stream.Recv()
		}
		ended <- err
	}()
	// Either the plugin tries again by itself, or it ends with an error, after which Grafana does. After an end without an
	// error nobody would.
	for range 2 {
		select {
		case <-arrived:
		case err := <-ended:
			equal(t, "the end", status.Code(err), codes.Unavailable)
			return
		}
	}
}

func TestAStreamThatCanNeverWorkSaysWhyBeforeItIsOver(t *testing.T) {
	p := launchIn(t, install(t, "fixtures/odd"), quick)
	path, payload := live(object{"refId": "A", "behaviour": "refuse"}, tick, time.Minute)
	stream, _ := run(t, p, odd(), path, payload)
	last, _ := packet(t, stream)
	frame := &data.Frame{}
	must(t, json.Unmarshal(last, frame))
	equal(t, "the number of notices", len(frame.Meta.Notices), 1)
	equal(t, "the severity", frame.Meta.Notices[0].Severity, data.NoticeSeverityError)
	equal(t, "whether it says why", containsAll(frame.Meta.Notices[0].Text, "As it was told to."), true)
	_, err := stream.Recv()
	equal(t, "the end", err, io.EOF)
}
