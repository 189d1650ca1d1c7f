package conformance

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/grafana/grafana-plugin-sdk-go/backend"
	"github.com/grafana/grafana-plugin-sdk-go/data"
	"github.com/grafana/grafana-plugin-sdk-go/genproto/pluginv2"
)

// The hour that queries are about, milliseconds since the epoch: it begins at 2023-11-14T22:13:20Z.
const (
	hourFrom = 1_700_000_000_000
	hourTo   = 1_700_003_600_000
)

// object is a JSON object.
type object map[string]any

func (o object) bytes() []byte {
	// Maps of what JSON knows can always be written.
	encoded, _ := json.Marshal(o)
	return encoded
}

// datasource is a configured data source, as Grafana sends it along with each call.
func datasource(guest, url string) *pluginv2.PluginContext {
	return &pluginv2.PluginContext{
		OrgId:    1,
		PluginId: pluginID,
		User:     &pluginv2.User{Login: "admin", Name: "Admin", Email: "admin@localhost", Role: "Admin"},
		DataSourceInstanceSettings: &pluginv2.DataSourceInstanceSettings{
			Id: 1, Uid: guest + "-uid", Name: "My " + guest, Url: url,
			JsonData:      object{"guest": guest}.bytes(),
			LastUpdatedMS: hourFrom,
		},
		PluginVersion: "0.1.0",
		UserAgent:     "Grafana/13.1.0 (linux; amd64)",
		Namespace:     "default",
		GrafanaConfig: map[string]string{"GF_APP_URL": "http://localhost:3000/"},
	}
}

// odd is a data source of the guest that does what its query says.
func odd() *pluginv2.PluginContext { return datasource("odd", "") }

// withSettings replaces a data source's jsonData.
func withSettings(context *pluginv2.PluginContext, settings object) *pluginv2.PluginContext {
	context.DataSourceInstanceSettings.JsonData = settings.bytes()
	return context
}

// query is a panel's query, with everything that Grafana repeats in its JSON.
func query(refID string, model object) *pluginv2.DataQuery {
	whole := object{
		"refId": refID, "intervalMs": 15_000, "maxDataPoints": 1_000,
		"datasource": object{"type": pluginID, "uid": "uid"},
	}
	for key, value := range model {
		whole[key] = value
	}
	return &pluginv2.DataQuery{
		RefId: refID, MaxDataPoints: 1_000, IntervalMS: 15_000,
		TimeRange: &pluginv2.TimeRange{FromEpochMS: hourFrom, ToEpochMS: hourTo},
		Json:      whole.bytes(),
	}
}

// behave is a query to the odd guest.
func behave(refID, behaviour string) *pluginv2.DataQuery {
	return query(refID, object{"behaviour": behaviour})
}

// request is a QueryData call of a data source that wants Arrow.
func request(context *pluginv2.PluginContext, queries ...*pluginv2.DataQuery) *pluginv2.QueryDataRequest {
	return &pluginv2.QueryDataRequest{PluginContext: context, Queries: queries}
}

// ask asks for data, in the message's own words.
func ask(t *testing.T, p *plugin, request *pluginv2.QueryDataRequest) *pluginv2.QueryDataResponse {
	t.Helper()
	response, err := p.data.QueryData(within(t), request)
	must(t, err)
	return response
}

// decoded reads a response with the SDK, as Grafana does.
func decoded(t *testing.T, response *pluginv2.QueryDataResponse) backend.Responses {
	t.Helper()
	read, err := backend.FromProto().QueryDataResponse(response)
	must(t, err)
	return read.Responses
}

// framesOf asks one query in a format and returns the frames, which must come without an error.
func framesOf(
	t *testing.T, p *plugin, context *pluginv2.PluginContext, query *pluginv2.DataQuery, format pluginv2.DataFrameFormat,
) data.Frames {
	t.Helper()
	asked := request(context, query)
	asked.Format = format
	answer, answered := decoded(t, ask(t, p, asked))[query.RefId]
	if !answered {
		t.Fatalf("there is no answer to %s", query.RefId)
	}
	if answer.Error != nil || answer.Status != backend.StatusOK {
		t.Fatalf("%s has status %d, error %v", query.RefId, answer.Status, answer.Error)
	}
	return answer.Frames
}

// formats are both ways in which Grafana may want frames.
var formats = []pluginv2.DataFrameFormat{pluginv2.DataFrameFormat_ARROW, pluginv2.DataFrameFormat_JSON}

// inBothFormats runs a test once for each format.
func inBothFormats(t *testing.T, test func(t *testing.T, format pluginv2.DataFrameFormat)) {
	t.Helper()
	for _, format := range formats {
		t.Run(format.String(), func(t *testing.T) { test(t, format) })
	}
}

// equal compares what can be compared.
func equal[Value comparable](t *testing.T, what string, is, want Value) {
	t.Helper()
	if is != want {
		t.Errorf("%s is %v, want %v", what, is, want)
	}
}

// containsAll says whether a text has all of these parts.
func containsAll(text string, parts ...string) bool {
	for _, part := range parts {
		if !strings.Contains(text, part) {
			return false
		}
	}
	return true
}
