package conformance

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/grafana/dataplane/sdata/numeric"
	"github.com/grafana/dataplane/sdata/reader"
	"github.com/grafana/dataplane/sdata/timeseries"
	"github.com/grafana/grafana-plugin-sdk-go/data"
	"github.com/grafana/grafana-plugin-sdk-go/genproto/pluginv2"
)

// ofKind is a query for frames of a kind; rows may be nil for no data.
func ofKind(kind data.FrameType, rows any) *pluginv2.DataQuery {
	return query("A", object{"behaviour": "kind", "kind": string(kind), "rows": rows})
}

// series is what sdata reads of one series: labels, and points as "seconds=value".
type series struct {
	name   string
	place  string
	points string
}

var timeSeriesKinds = []data.FrameType{
	data.FrameTypeTimeSeriesWide, data.FrameTypeTimeSeriesMulti, data.FrameTypeTimeSeriesLong,
}

var numericKinds = []data.FrameType{data.FrameTypeNumericWide, data.FrameTypeNumericMulti, data.FrameTypeNumericLong}

func TestSdataReadsTheSeriesOfEachKindOfTimeSeries(t *testing.T) {
	p := launch(t, "fixtures/odd")
	want := []series{
		{"temperature", "Bad Ems", "0=0 15=1 30=2 "},
		{"temperature", "Köln", "0=0 15=1 30=2 "},
	}
	for _, kind := range timeSeriesKinds {
		inBothFormats(t, func(t *testing.T, format pluginv2.DataFrameFormat) {
			frames := framesOf(t, p, odd(), ofKind(kind, 3), format)
			readable(t, frames, kind)
			is := readSeries(t, frames)
			if difference := cmp.Diff(want, is, cmp.AllowUnexported(series{})); difference != "" {
				t.Errorf("%s: %s", kind, difference)
			}
		})
	}
}

func TestSdataReadsTheNumbersOfEachNumericKind(t *testing.T) {
	p := launch(t, "fixtures/odd")
	for _, kind := range numericKinds {
		want := []series{{"temperature", "Bad Ems", "20.5"}, {"temperature", "Köln", "20.5"}}
		rows := 1
		if kind == data.FrameTypeNumericLong {
			want = []series{{"temperature", "place 0", "0"}, {"temperature", "place 1", "1"}}
			rows = 2
		}
		inBothFormats(t, func(t *testing.T, format pluginv2.DataFrameFormat) {
			frames := framesOf(t, p, odd(), ofKind(kind, rows), format)
			readable(t, frames, kind)
			if difference := cmp.Diff(want, readNumbers(t, frames), cmp.AllowUnexported(series{})); difference != "" {
				t.Errorf("%s: %s", kind, difference)
			}
		})
	}
}

func TestSdataSeesNoDataWhereAFrameHasAKindAndNoFields(t *testing.T) {
	p := launch(t, "fixtures/odd")
	inBothFormats(t, func(t *testing.T, format pluginv2.DataFrameFormat) {
		for _, kind := range timeSeriesKinds {
			frames := framesOf(t, p, odd(), ofKind(kind, nil), format)
			collection, err := timeseriesOf(t, frames).GetCollection(true)
			must(t, err)
			equal(t, fmt.Sprintf("no data of %s", kind), collection.NoData(), true)
		}
		for _, kind := range numericKinds {
			frames := framesOf(t, p, odd(), ofKind(kind, nil), format)
			collection, err := numericOf(t, frames).GetCollection(false)
			must(t, err)
			equal(t, fmt.Sprintf("no data of %s", kind), collection.NoData(), true)
		}
	})
}

func TestSdataSeesEmptySeriesWhereFieldsHaveNoRows(t *testing.T) {
	p := launch(t, "fixtures/odd")
	inBothFormats(t, func(t *testing.T, format pluginv2.DataFrameFormat) {
		for _, kind := range []data.FrameType{data.FrameTypeTimeSeriesWide, data.FrameTypeTimeSeriesMulti} {
			frames := framesOf(t, p, odd(), ofKind(kind, 0), format)
			collection, err := timeseriesOf(t, frames).GetCollection(true)
			must(t, err)
			equal(t, "no data", collection.NoData(), false)
			equal(t, "the number of series", len(collection.Refs), 2)
		}
	})
}

func TestEachKindHasTheVersionOfItsContract(t *testing.T) {
	p := launch(t, "fixtures/odd")
	versions := map[data.FrameType]data.FrameTypeVersion{}
	for _, kind := range append(append([]data.FrameType{}, timeSeriesKinds...), numericKinds...) {
		versions[kind] = data.FrameTypeVersion{0, 1}
	}
	for _, kind := range []data.FrameType{
		data.FrameTypeLogLines, data.FrameTypeTable, data.FrameTypeDirectoryListing, "heatmap-rows", "heatmap-cells",
	} {
		versions[kind] = data.FrameTypeVersion{}
	}
	for kind, want := range versions {
		frames := framesOf(t, p, odd(), ofKind(kind, 1), pluginv2.DataFrameFormat_JSON)
		equal(t, "the kind", frames[0].Meta.Type, kind)
		equal(t, "the version of "+string(kind), frames[0].Meta.TypeVersion, want)
	}
}

func TestLogLinesHaveTheFieldsThatGrafanaLooksFor(t *testing.T) {
	p := launch(t, "fixtures/odd")
	inBothFormats(t, func(t *testing.T, format pluginv2.DataFrameFormat) {
		frame := framesOf(t, p, odd(), ofKind(data.FrameTypeLogLines, 2), format)[0]
		types := map[string]data.FieldType{
			"timestamp": data.FieldTypeTime, "body": data.FieldTypeString, "severity": data.FieldTypeString,
			"id": data.FieldTypeString, "labels": data.FieldTypeJSON,
		}
		for _, field := range frame.Fields {
			equal(t, "the type of "+field.Name, field.Type(), types[field.Name])
		}
		equal(t, "the number of fields", len(frame.Fields), len(types))
		equal(t, "the visualization", frame.Meta.PreferredVisualization, data.VisTypeLogs)
		body, _ := frame.FieldByName("body")
		equal(t, "the second line", body.At(1), any("line 1"))
		labels, _ := frame.FieldByName("labels")
		equal(t, "its labels", string(labels.At(1).(json.RawMessage)), `{"place":"Köln"}`)
	})
}

// readable expects that sdata takes frames for this kind.
func readable(t *testing.T, frames data.Frames, kind data.FrameType) {
	t.Helper()
	is, err := reader.CanReadBasedOnMeta(frames)
	must(t, err)
	equal(t, "the kind", is, kind)
}

func timeseriesOf(t *testing.T, frames data.Frames) timeseries.CollectionReader {
	t.Helper()
	own, err := timeseries.CollectionReaderFromFrames(frames)
	must(t, err)
	return own
}

// numericOf reads numbers, whose rows sdata does not validate yet.
func numericOf(t *testing.T, frames data.Frames) numeric.CollectionReader {
	t.Helper()
	own, err := numeric.CollectionReaderFromFrames(frames)
	must(t, err)
	return own
}

func readSeries(t *testing.T, frames data.Frames) []series {
	t.Helper()
	collection, err := timeseriesOf(t, frames).GetCollection(true)
	must(t, err)
	must(t, collection.Warning)
	equal(t, "what sdata passes over", len(collection.RemainderIndices), 0)
	var all []series
	for _, ref := range collection.Refs {
		one := series{name: ref.GetMetricName(), place: ref.GetLabels()["place"]}
		count, err := ref.Len()
		must(t, err)
		for index := range count {
			point, value, err := ref.NullableFloat64Point(index)
			must(t, err)
			one.points += fmt.Sprintf("%v=%v ", point.Sub(time.UnixMilli(hourFrom)).Seconds(), *value)
		}
		all = append(all, one)
	}
	return byPlace(all)
}

func readNumbers(t *testing.T, frames data.Frames) []series {
	t.Helper()
	collection, err := numericOf(t, frames).GetCollection(false)
	must(t, err)
	must(t, collection.Warning)
	var all []series
	for _, ref := range collection.Refs {
		value, isEmpty, err := ref.NullableFloat64Value()
		must(t, err)
		equal(t, "whether it is empty", isEmpty, false)
		all = append(all, series{ref.GetMetricName(), ref.GetLabels()["place"], fmt.Sprint(*value)})
	}
	return byPlace(all)
}

func byPlace(all []series) []series {
	slices.SortFunc(all, func(one, other series) int { return strings.Compare(one.place, other.place) })
	return all
}
