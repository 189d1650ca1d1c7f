package conformance

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/grafana/grafana-plugin-sdk-go/backend"
	"github.com/grafana/grafana-plugin-sdk-go/data"
	"github.com/grafana/grafana-plugin-sdk-go/experimental/datasourcetest"
	"github.com/grafana/grafana-plugin-sdk-go/genproto/pluginv2"
)

// chunks asks for data in chunks and gives them as they come.
func chunks(t *testing.T, p *plugin, asked *pluginv2.QueryDataRequest) []*pluginv2.QueryChunkedDataResponse {
	t.Helper()
	stream, err := p.data.QueryChunkedData(within(t), &pluginv2.QueryChunkedDataRequest{
		PluginContext: asked.PluginContext, Headers: asked.Headers, Queries: asked.Queries, Format: asked.Format,
	})
	must(t, err)
	var all []*pluginv2.QueryChunkedDataResponse
	for {
		chunk, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return all
		}
		must(t, err)
		equal(t, "the format", chunk.Format, asked.Format)
		all = append(all, chunk)
	}
}

// rebuilt puts chunks together as the SDK does.
func rebuilt(t *testing.T, all []*pluginv2.QueryChunkedDataResponse) backend.Responses {
	t.Helper()
	accumulate := datasourcetest.AccumulateArrow
	if all[0].Format == pluginv2.DataFrameFormat_JSON {
		accumulate = datasourcetest.AccumulateJSON
	}
	whole, err := accumulate(func(yield func(*pluginv2.QueryChunkedDataResponse, error) bool) {
		for _, chunk := range all {
			if !yield(chunk, nil) {
				return
			}
		}
	})
	must(t, err)
	return whole.Responses
}

func TestChunksPutTogetherAreWhatAWholeAnswerIs(t *testing.T) {
	p := launch(t, "fixtures/odd")
	named := func(refID string, kind data.FrameType, rows int) *pluginv2.DataQuery {
		return query(refID, object{"behaviour": "kind", "kind": string(kind), "rows": rows})
	}
	inBothFormats(t, func(t *testing.T, format pluginv2.DataFrameFormat) {
		asked := request(odd(),
			named("A", data.FrameTypeTimeSeriesWide, 100), named("B", data.FrameTypeTimeSeriesMulti, 10),
			named("C", data.FrameTypeTable, 0), behave("D", "every-type"), ofNoData("E"), behave("F", "pages"))
		asked.Format = format
		want := decoded(t, ask(t, p, asked))
		is := rebuilt(t, chunks(t, p, asked))
		equal(t, "the number of answers", len(is), len(want))
		for refID := range want {
			equal(t, "the status of "+refID, is[refID].Status, backend.StatusOK)
			options := data.FrameTestCompareOptions()
			if difference := cmp.Diff(want[refID].Frames, is[refID].Frames, options...); difference != "" {
				t.Errorf("%s: %.2000s", refID, difference)
			}
		}
	})
}

// ofNoData is a query for a frame of a kind without fields.
func ofNoData(refID string) *pluginv2.DataQuery {
	return query(refID, object{"behaviour": "kind", "kind": "timeseries-wide"})
}

// The odd guest's frame of pages has two rows in each of three rounds.
func TestAFrameThatComesInRoundsLeavesInChunksOfOneIdentity(t *testing.T) {
	p := launch(t, "fixtures/odd")
	inBothFormats(t, func(t *testing.T, format pluginv2.DataFrameFormat) {
		asked := request(odd(), behave("A", "pages"))
		asked.Format = format
		all := chunks(t, p, asked)
		equal(t, "the number of chunks", len(all), 3)
		for index, chunk := range all {
			equal(t, "the ref id", chunk.RefId, "A")
			equal(t, "the status", chunk.Status, 200)
			equal(t, "whether there is a frame id", chunk.FrameId != "", true)
			equal(t, "the frame id", chunk.FrameId, all[0].FrameId)
			if format == pluginv2.DataFrameFormat_ARROW {
				frame, err := data.UnmarshalArrowFrame(chunk.Frame)
				must(t, err)
				equal(t, "the first row", frame.At(0, 0), any(float64(2*index)))
				continue
			}
			var members map[string]json.RawMessage
			must(t, json.Unmarshal(chunk.Frame, &members))
			equal(t, "whether there is a schema", members["schema"] != nil, index == 0)
			equal(t, "the rows", string(members["data"]), fmt.Sprintf(`{"values":[[%d.0,%d.0]]}`, 2*index, 2*index+1))
		}
	})
}

func TestSeveralFramesOfAnAnswerHaveIdentitiesOfTheirOwn(t *testing.T) {
	p := launch(t, "fixtures/odd")
	all := chunks(t, p, request(odd(), ofKind(data.FrameTypeTimeSeriesMulti, 3)))
	equal(t, "the number of chunks", len(all), 2)
	equal(t, "whether the frame ids differ", all[0].FrameId != all[1].FrameId, true)
}

func TestAnErrorIsAChunkAndSpoilsNoOther(t *testing.T) {
	p := launch(t, "fixtures/odd")
	inBothFormats(t, func(t *testing.T, format pluginv2.DataFrameFormat) {
		asked := request(odd(), behave("A", "refuse"), behave("B", "answer"), behave("C", "panic"))
		asked.Format = format
		said := map[string]*pluginv2.QueryChunkedDataResponse{}
		for _, chunk := range chunks(t, p, asked) {
			said[chunk.RefId] = chunk
		}
		equal(t, "the number of answers", len(said), 3)
		equal(t, "the status of A", said["A"].GetStatus(), 400)
		equal(t, "the source of A", said["A"].GetErrorSource(), "downstream")
		whole := ask(t, p, asked).Responses["A"]
		equal(t, "the error of A", said["A"].GetError(), whole.Error)
		equal(t, "the status of B", said["B"].GetStatus(), 200)
		equal(t, "the error of B", said["B"].GetError(), "")
		equal(t, "the status of C", said["C"].GetStatus(), 500)
		equal(t, "the source of C", said["C"].GetErrorSource(), "plugin")
	})
}
