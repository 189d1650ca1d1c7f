package plugin

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/grafana/grafana-plugin-sdk-go/backend"
	"github.com/grafana/grafana-plugin-sdk-go/data"
)

// ask sends one query to an API that answers with the body, and gives the query's answer and the API's request line.
func ask(t *testing.T, status int, body string) (backend.DataResponse, string) {
	t.Helper()
	var asked string
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = r.URL.String()
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}))
	defer api.Close()
	settings := backend.DataSourceInstanceSettings{URL: api.URL + "/", JSONData: json.RawMessage(`{"thing":"boiler 7"}`)}
	instance, err := NewDatasource(t.Context(), settings)
	if err != nil {
		t.Fatal(err)
	}
	datasource := instance.(*Datasource)
	defer datasource.Dispose()
	query := backend.DataQuery{
		RefID:     "A",
		JSON:      json.RawMessage(`{"table":"a/b","fields":["_avg","_time"],"indexes":["1"]}`),
		TimeRange: backend.TimeRange{From: time.UnixMilli(1_700_000_000_000), To: time.UnixMilli(1_700_003_600_500)},
	}
	request := &backend.QueryDataRequest{Queries: []backend.DataQuery{query}}
	response, err := datasource.QueryData(t.Context(), request)
	if err != nil {
		t.Fatal(err)
	}
	return response.Responses["A"], asked
}

func TestATableBecomesAFrame(t *testing.T) {
	answer, asked := ask(t, http.StatusOK, `[
		{"name":"_time","values":[1700000000,1700000060.5]},
		{"name":"_avg","values":[20.5,null],"meta":{"group_txt":"Boiler","txt":"Flow"}}
	]`)
	if answer.Error != nil {
		t.Fatal(answer.Error)
	}
	line := "/api/things/boiler%207/db/a%2Fb/frames?fields=_time&fields=_avg&from=1700000000&indexes=1&meta=true&to=1700003600.5"
	if asked != line {
		t.Errorf("the API was asked for %s", asked)
	}
	value := 20.5
	config := &data.FieldConfig{DisplayNameFromDS: "Boiler: Flow"}
	times := []time.Time{time.UnixMilli(1_700_000_000_000).UTC(), time.UnixMilli(1_700_000_060_500).UTC()}
	expected := data.NewFrame("a/b",
		data.NewField("_time", nil, times),
		data.NewField("_avg", nil, []*float64{&value, nil}).SetConfig(config),
	).SetMeta(&data.FrameMeta{Type: data.FrameTypeTimeSeriesWide, TypeVersion: data.FrameTypeVersion{0, 1}})
	if difference := cmp.Diff(data.Frames{expected}, answer.Frames, data.FrameTestCompareOptions()...); difference != "" {
		t.Error(difference)
	}
}

func TestWhatTheAPIDoesWrongIsItsOwnError(t *testing.T) {
	for body, status := range map[string]int{
		`[]`:                                 http.StatusInternalServerError,
		`{}`:                                 http.StatusOK,
		`[{"name":"_time","values":[null]}]`: http.StatusOK,
	} {
		answer, _ := ask(t, status, body)
		if answer.Error == nil || answer.ErrorSource != backend.ErrorSourceDownstream {
			t.Errorf("%s with status %d: %v, %s", body, status, answer.Error, answer.ErrorSource)
		}
	}
}

func TestADataSourceWithoutAThingIsRefused(t *testing.T) {
	settings := backend.DataSourceInstanceSettings{JSONData: json.RawMessage(`{}`)}
	if _, err := NewDatasource(context.Background(), settings); err == nil {
		t.Error("it was not refused")
	}
}
