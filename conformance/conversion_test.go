package conformance

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/grafana/grafana-plugin-sdk-go/backend"
	"github.com/grafana/grafana-plugin-sdk-go/genproto/pluginv2"
)

// convert has queries converted, as Go's SDK hands them over: a request as JSON.
func convert(t *testing.T, p *plugin, queries ...object) *pluginv2.ConversionResponse {
	t.Helper()
	asked := backend.QueryDataRequest{}
	for _, query := range queries {
		asked.Queries = append(asked.Queries, backend.DataQuery{RefID: query["refId"].(string), JSON: query.bytes()})
	}
	raw, err := json.Marshal(asked)
	must(t, err)
	response, err := p.conversion.ConvertObjects(within(t), &pluginv2.ConversionRequest{
		PluginContext: odd(), Uid: "request-7",
		Objects:       []*pluginv2.RawObject{{Raw: raw, ContentType: "application/json"}},
		TargetVersion: &pluginv2.GroupVersion{Group: "graft", Version: "v1"},
	})
	must(t, err)
	equal(t, "the uid", response.Uid, "request-7")
	return response
}

func TestOldQueriesTakeTheShapeOfToday(t *testing.T) {
	p := launch(t, "fixtures/odd")
	response := convert(t, p,
		object{"refId": "A", "oldBehaviour": "answer", "datasource": object{"uid": "u"}},
		object{"refId": "B", "behaviour": "refuse"})
	want := []map[string]any{
		{"refId": "A", "behaviour": "answer", "datasource": map[string]any{"uid": "u"}},
		{"refId": "B", "behaviour": "refuse"},
	}
	var is []map[string]any
	for _, converted := range response.Objects {
		equal(t, "the content type", converted.ContentType, "application/json")
		var query map[string]any
		must(t, json.Unmarshal(converted.Raw, &query))
		is = append(is, query)
	}
	if difference := cmp.Diff(want, is); difference != "" {
		t.Error(difference)
	}
	equal(t, "the status", response.GetResult().GetStatus(), "Success")
}

func TestAQueryThatCannotBeConvertedIsAFailureWithASentence(t *testing.T) {
	p := launch(t, "fixtures/odd")
	response := convert(t, p, object{"refId": "A", "oldBehaviour": nil})
	equal(t, "the status", response.GetResult().GetStatus(), "Failure")
	equal(t, "the number of queries", len(response.Objects), 0)
	if said := response.GetResult().GetMessage(); !containsAll(said, "Nothing is not a behaviour.") {
		t.Errorf("it says %q", said)
	}
}
