package conformance

import (
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/grafana/grafana-plugin-sdk-go/data"
	"github.com/grafana/grafana-plugin-sdk-go/genproto/pluginv2"
)

// upBody is a Prometheus server's answer to a range: two series.
const upBody = `{"status":"success","data":{"resultType":"matrix","result":[
	{"metric":{"__name__":"up","job":"a"},"values":[[1700000000,"1"],[1700000015,"0"]]},
	{"metric":{"__name__":"up","job":"b"},"values":[[1700000000,"1"],[1700000015,"2.5"]]}
]}}`

func TestARangeOfPrometheusIsWhatSdataReads(t *testing.T) {
	p := launch(t, "prometheus")
	api := serve(t, func(writer http.ResponseWriter, request *http.Request) {
		if strings.HasSuffix(request.URL.Path, "/api/v1/query_range") {
			says(upBody)(writer, request)
			return
		}
		writer.WriteHeader(http.StatusNotFound)
	})
	inBothFormats(t, func(t *testing.T, format pluginv2.DataFrameFormat) {
		asked := query("A", object{"expr": "up", "range": true})
		asked.TimeRange.ToEpochMS = hourFrom + (15 * time.Second).Milliseconds()
		frames := framesOf(t, p, datasource("prometheus", api.url), asked, format)
		readable(t, frames, data.FrameTypeTimeSeriesMulti)
		collection, err := timeseriesOf(t, frames).GetCollection(true)
		must(t, err)
		var jobs, points []string
		for _, ref := range collection.Refs {
			jobs = append(jobs, ref.GetLabels()["job"])
			for index := range 2 {
				moment, value, err := ref.NullableFloat64Point(index)
				must(t, err)
				points = append(points, moment.UTC().Format(time.TimeOnly)+" "+number(*value))
			}
		}
		if difference := cmp.Diff([]string{"a", "b"}, jobs); difference != "" {
			t.Error(difference)
		}
		want := []string{"22:13:20 1", "22:13:35 0", "22:13:20 1", "22:13:35 2.5"}
		if difference := cmp.Diff(want, points); difference != "" {
			t.Error(difference)
		}
	})
}

func TestABrokenExpressionIsToldInPrometheusWords(t *testing.T) {
	p := launch(t, "prometheus")
	api := serve(t, func(writer http.ResponseWriter, _ *http.Request) {
		writer.WriteHeader(http.StatusBadRequest)
		_, _ = writer.Write([]byte(`{"status":"error","errorType":"bad_data","error":"1:4: parse error"}`))
	})
	asked := request(datasource("prometheus", api.url), query("A", object{"expr": "up[", "range": true}))
	fails(t, decoded(t, ask(t, p, asked))["A"], 400, "downstream", "1:4: parse error")
}

// number is a float as short as it can be said.
func number(value float64) string { return strconv.FormatFloat(value, 'g', -1, 64) }
