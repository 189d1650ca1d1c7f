package conformance

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/grafana/grafana-plugin-sdk-go/backend"
	"github.com/grafana/grafana-plugin-sdk-go/data"
	"github.com/grafana/grafana-plugin-sdk-go/genproto/pluginv2"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// thingsBody is what the things API answers: a point in time between seconds, and a gap.
const thingsBody = `[
	{"name":"_time","values":[1700000000,1700000060.5,1700000120]},
	{"name":"_avg","values":[20.5,null,21],"meta":{"group_txt":"Boiler","txt":"Flow temperature"}}
]`

func thingsAt(url string) *pluginv2.PluginContext {
	return withSettings(datasource("things", url), object{"guest": "things", "thing": "boiler 7"})
}

func dayTable(refID string) *pluginv2.DataQuery {
	return table(refID, "day")
}

func table(refID, name string) *pluginv2.DataQuery {
	return query(refID, object{"table": name, "fields": []string{"_avg"}})
}

func TestATableOfAnAPIBecomesTheSameFrameInBothFormats(t *testing.T) {
	p := launch(t, "things")
	api := serve(t, says(thingsBody))
	number := func(value float64) *float64 { return &value }
	moment := func(milliseconds int64) time.Time { return time.UnixMilli(milliseconds).UTC() }
	want := data.NewFrame("day",
		data.NewField("_time", nil, []time.Time{moment(1_700_000_000_000), moment(1_700_000_060_500), moment(1_700_000_120_000)}),
		data.NewField("_avg", nil, []*float64{number(20.5), nil, number(21)}).
			SetConfig(&data.FieldConfig{DisplayNameFromDS: "Boiler: Flow temperature"}),
	)
	want.RefID = "A"
	want.Meta = &data.FrameMeta{Type: data.FrameTypeTimeSeriesWide, TypeVersion: data.FrameTypeVersion{0, 1}}
	inBothFormats(t, func(t *testing.T, format pluginv2.DataFrameFormat) {
		frames := framesOf(t, p, thingsAt(api.url), dayTable("A"), format)
		tellsOfOneRequest(t, frames[0].Meta, api.url)
		if difference := cmp.Diff(data.Frames{want}, frames, data.FrameTestCompareOptions()...); difference != "" {
			t.Error(difference)
		}
	})
	equal(t, "the request", api.asked()[0].URL.String(),
		"/api/things/boiler%207/db/day/frames?from=1700000000&to=1700003600&fields=_time&fields=_avg&meta=true")
}

// tellsOfOneRequest expects what Grafana's query inspector shows of a request, and takes it off.
func tellsOfOneRequest(t *testing.T, meta *data.FrameMeta, url string) {
	t.Helper()
	executed := meta.ExecutedQueryString
	if !strings.HasPrefix(executed, "GET "+url) || !strings.Contains(executed, " -> 200, ") {
		t.Errorf("the executed query is %q", executed)
	}
	equal(t, "the first stat", meta.Stats[0].DisplayName, "Requests")
	equal(t, "the number of requests", meta.Stats[0].Value, 1)
	custom, isObject := meta.Custom.(map[string]any)
	equal(t, "whether the custom meta is an object", isObject, true)
	exchanges, isList := custom["exchanges"].([]any)
	equal(t, "whether the exchanges are a list", isList, true)
	equal(t, "the number of exchanges", len(exchanges), 1)
	meta.ExecutedQueryString, meta.Stats, meta.Custom = "", nil, nil
}

func TestEachQueryIsAnsweredAndOneThatFailsSpoilsNoOther(t *testing.T) {
	p := launch(t, "fixtures/odd")
	broken := behave("D", "answer")
	broken.Json = []byte("{")
	inBothFormats(t, func(t *testing.T, format pluginv2.DataFrameFormat) {
		asked := request(odd(), behave("A", "answer"), behave("B", "refuse"), behave("C", "panic"), broken, behave("E", "answer"))
		asked.Format = format
		answers := decoded(t, ask(t, p, asked))
		equal(t, "the number of answers", len(answers), 5)
		for _, refID := range []string{"A", "E"} {
			equal(t, "the status of "+refID, answers[refID].Status, backend.StatusOK)
			equal(t, "the ref id of the frame", answers[refID].Frames[0].RefID, refID)
		}
		fails(t, answers["B"], backend.StatusBadRequest, backend.ErrorSourceDownstream, "As it was told to.")
		fails(t, answers["C"], backend.StatusInternal, backend.ErrorSourcePlugin, "odd 0.1.0")
		fails(t, answers["D"], backend.StatusBadRequest, backend.ErrorSourceDownstream, "JSON object")
	})
}

// fails expects an error of this status and source, with a text in its sentence.
func fails(t *testing.T, answer backend.DataResponse, status backend.Status, source backend.ErrorSource, text string) {
	t.Helper()
	if answer.Error == nil {
		t.Error("there is no error")
		return
	}
	equal(t, "the status", answer.Status, status)
	equal(t, "the source", answer.ErrorSource, source)
	if !strings.Contains(answer.Error.Error(), text) {
		t.Errorf("%q does not say %q", answer.Error, text)
	}
}

func TestWhatAnAPIRefusesIsDownstreamsFault(t *testing.T) {
	p := launch(t, "things")
	for code, want := range map[int]backend.Status{404: 404, 503: 503, 429: 429, 500: 500} {
		api := serve(t, func(writer http.ResponseWriter, _ *http.Request) {
			writer.WriteHeader(code)
			_, _ = writer.Write([]byte(`{"message":"not today"}`))
		})
		answer := decoded(t, ask(t, p, request(thingsAt(api.url), dayTable("A"))))["A"]
		fails(t, answer, want, backend.ErrorSourceDownstream, "not today")
	}
}

func TestAnAPIThatIsNotThereIsABadGateway(t *testing.T) {
	p := launch(t, "things")
	answer := decoded(t, ask(t, p, request(thingsAt("http://127.0.0.1:9"), dayTable("A"))))["A"]
	fails(t, answer, backend.StatusBadGateway, backend.ErrorSourceDownstream, "127.0.0.1:9")
}

func TestAGuestIsToldWhatGrafanaAsks(t *testing.T) {
	p := launch(t, "fixtures/odd")
	asked := behave("Q 1", "show-query")
	asked.QueryType, asked.IntervalMS, asked.MaxDataPoints = "table", 60_000, 7
	told := framesOf(t, p, odd(), asked, pluginv2.DataFrameFormat_ARROW)[0]
	want := map[string]any{
		"refId": "Q 1", "queryType": "table", "from": int64(hourFrom), "to": int64(hourTo),
		"interval": int64(60_000), "maxDataPoints": uint32(7), "fromAlert": false,
	}
	for _, field := range told.Fields {
		equal(t, field.Name, field.At(0), want[field.Name])
	}
	equal(t, "the number of fields", len(told.Fields), len(want))
}

func TestAQueryWithoutPointsAndIntervalHasGrafanasDefaults(t *testing.T) {
	p := launch(t, "fixtures/odd")
	asked := behave("A", "show-query")
	asked.IntervalMS, asked.MaxDataPoints = 0, 0
	told := framesOf(t, p, odd(), asked, pluginv2.DataFrameFormat_ARROW)[0]
	points, _ := told.FieldByName("maxDataPoints")
	interval, _ := told.FieldByName("interval")
	equal(t, "the number of points", points.At(0), any(uint32(100)))
	equal(t, "the interval", interval.At(0), any(int64(1_000)))
}

func TestARequestWithoutQueriesHasNoAnswers(t *testing.T) {
	p := launch(t, "fixtures/odd")
	equal(t, "the number of answers", len(ask(t, p, request(odd())).Responses), 0)
}

func TestARequestWithoutADataSourceIsInvalid(t *testing.T) {
	p := launch(t, "fixtures/odd")
	context := odd()
	context.DataSourceInstanceSettings = nil
	_, err := p.data.QueryData(within(t), request(context, behave("A", "answer")))
	equal(t, "the status", status.Code(err), codes.InvalidArgument)
	_, err = p.data.QueryData(within(t), request(nil, behave("A", "answer")))
	equal(t, "the status", status.Code(err), codes.InvalidArgument)
}

func TestAFormatThatNobodyKnowsIsInvalid(t *testing.T) {
	p := launch(t, "fixtures/odd")
	asked := request(odd(), behave("A", "answer"))
	asked.Format = 7
	_, err := p.data.QueryData(within(t), asked)
	equal(t, "the status", status.Code(err), codes.InvalidArgument)
}

func TestGrafanasDeadlineEndsAQueryWithAnAnswer(t *testing.T) {
	p := launch(t, "fixtures/odd")
	// The guest is compiled first, so that the time is spent in the query.
	answersOne(t, p)
	ctx, cancel := context.WithTimeout(within(t), time.Second)
	defer cancel()
	response, err := p.data.QueryData(ctx, request(odd(), behave("A", "loop-forever"), behave("B", "answer")))
	must(t, err)
	answers := decoded(t, response)
	fails(t, answers["A"], backend.StatusTimeout, backend.ErrorSourcePlugin, "odd")
	equal(t, "the status of the other", answers["B"].Status, backend.StatusOK)
}

func TestACallThatGrafanaTakesBackDisturbsNoOther(t *testing.T) {
	p := launch(t, "things", "fixtures/odd")
	arrived := make(chan struct{})
	api := serve(t, func(_ http.ResponseWriter, request *http.Request) {
		close(arrived)
		<-request.Context().Done()
	})
	ctx, cancel := context.WithCancel(within(t))
	ended := make(chan error, 1)
	go func() {
		_, err := p.data.QueryData(ctx, request(thingsAt(api.url), dayTable("A")))
		ended <- err
	}()
	next(t, "the API's request", arrived)
	cancel()
	equal(t, "the status", status.Code(next(t, "the end of the call", ended)), codes.Canceled)
	answersOne(t, p)
}
