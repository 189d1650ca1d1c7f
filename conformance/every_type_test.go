package conformance

import (
	"bytes"
	"encoding/json"
	"math"
	"math/big"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/grafana/grafana-plugin-sdk-go/data"
	"github.com/grafana/grafana-plugin-sdk-go/genproto/pluginv2"
)

func TestEveryTypeConfigAndMetaComesThroughInBothFormats(t *testing.T) {
	p := launch(t, "fixtures/odd")
	inBothFormats(t, func(t *testing.T, format pluginv2.DataFrameFormat) {
		frames := framesOf(t, p, odd(), behave("A", "every-type"), format)
		if difference := cmp.Diff(data.Frames{everyType()}, frames, data.FrameTestCompareOptions()...); difference != "" {
			t.Error(difference)
		}
	})
}

func TestWhatComesAsJSONIsWhatTheSDKItselfWrites(t *testing.T) {
	p := launch(t, "fixtures/odd")
	asked := request(odd(), behave("A", "every-type"))
	asked.Format = pluginv2.DataFrameFormat_JSON
	own, err := json.Marshal(everyType())
	must(t, err)
	is := ask(t, p, asked).Responses["A"].Frames[0]
	if difference := cmp.Diff(parsed(t, own), parsed(t, is)); difference != "" {
		t.Error(difference)
	}
}

// parsed is JSON as a value whose numbers keep all of their digits, however they are written.
func parsed(t *testing.T, text []byte) any {
	t.Helper()
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	var value any
	must(t, decoder.Decode(&value))
	return exact(value)
}

// exact replaces numbers by their fractions.
func exact(value any) any {
	switch value := value.(type) {
	case json.Number:
		if number, isNumber := new(big.Rat).SetString(value.String()); isNumber {
			return number.RatString()
		}
	case []any:
		for index := range value {
			value[index] = exact(value[index])
		}
	case map[string]any:
		for key := range value {
			value[key] = exact(value[key])
		}
	}
	return value
}

// everyType is the frame that the odd guest answers to "every-type": guests/fixtures/odd/src/every_type.rs.
func everyType() *data.Frame {
	frame := data.NewFrame("every type")
	frame.Fields = append(frame.Fields, integers()...)
	frame.Fields = append(frame.Fields, floats()...)
	frame.Fields = append(frame.Fields, others()...)
	frame.RefID = "A"
	frame.Meta = &data.FrameMeta{
		Type: data.FrameTypeTable,
		Custom: map[string]any{
			"deep": map[string]any{"list": []any{1.0, nil, "ü"}},
		},
		Stats: []data.QueryStat{
			{FieldConfig: data.FieldConfig{DisplayName: "Rows read", Unit: "short"}, Value: 3},
			{FieldConfig: data.FieldConfig{DisplayName: "Ratio"}, Value: 0.5},
		},
		Notices: []data.Notice{
			{Severity: data.NoticeSeverityInfo, Text: "for information", Link: "https://example.com/more"},
			{Severity: data.NoticeSeverityWarning, Text: "a warning"},
			{Severity: data.NoticeSeverityError, Text: "an error"},
		},
		PreferredVisualization: data.VisTypeTable,
		ExecutedQueryString:    `SELECT "everything"`,
		DataTopic:              data.DataTopicAnnotations,
		UniqueRowIDFields:      []int{0, 2},
	}
	return frame
}

// integer makes both fields of an integer type.
func integer[Type any](name string, least, most Type) []*data.Field {
	var zero Type
	return []*data.Field{
		data.NewField(name, nil, []Type{least, zero, most}),
		data.NewField(name+"?", nil, []*Type{&least, nil, &most}),
	}
}

func integers() []*data.Field {
	fields := integer[int8]("int8", math.MinInt8, math.MaxInt8)
	fields[0].Labels = data.Labels{"place": "Köln", "floor": "1"}
	fields = append(fields, integer[int16]("int16", math.MinInt16, math.MaxInt16)...)
	fields = append(fields, integer[int32]("int32", math.MinInt32, math.MaxInt32)...)
	fields = append(fields, integer[int64]("int64", math.MinInt64, math.MaxInt64)...)
	fields = append(fields, integer[uint8]("uint8", 0, math.MaxUint8)...)
	fields = append(fields, integer[uint16]("uint16", 0, math.MaxUint16)...)
	fields = append(fields, integer[uint32]("uint32", 0, math.MaxUint32)...)
	return append(fields, integer[uint64]("uint64", 0, math.MaxUint64)...)
}

func floats() []*data.Field {
	infinity, negative, notANumber, tenth := math.Inf(1), math.Inf(-1), math.NaN(), 0.1
	negative32, tenth32 := float32(negative), float32(0.1)
	red := data.NewThreshold(80, "#ff0000", "")
	return []*data.Field{
		data.NewField("float32", nil, []float32{-math.MaxFloat32, float32(notANumber), float32(infinity)}),
		data.NewField("float32?", nil, []*float32{&negative32, nil, &tenth32}),
		data.NewField("float64", nil, []float64{math.MaxFloat64, notANumber, infinity}).SetConfig(everyConfig()),
		data.NewField("float64?", nil, []*float64{&negative, nil, &tenth}).SetConfig(&data.FieldConfig{
			Thresholds: &data.ThresholdsConfig{
				Mode:  data.ThresholdsModeAbsolute,
				Steps: []data.Threshold{data.NewThreshold(math.Inf(-1), "green", ""), red},
			},
		}),
	}
}

func others() []*data.Field {
	before, epoch := time.Unix(0, -1).UTC(), time.Unix(0, 0).UTC()
	today := time.Unix(0, 1_700_000_000_123_456_789).UTC()
	document := func(text string) json.RawMessage { return json.RawMessage(text) }
	one, three := document(`{"a":[1,null]}`), document(`"ü"`)
	texts := &data.FieldConfig{TypeConfig: &data.FieldTypeConfig{
		Enum: &data.EnumFieldConfig{Text: []string{"off", "on", "broken"}},
	}}
	empty, z, no, yes := "", "z", false, true
	off, on := data.EnumItemIndex(0), data.EnumItemIndex(1)
	return []*data.Field{
		data.NewField("string", nil, []string{"", "Grüße 🌡", "\"\\\n\t"}),
		data.NewField("string?", nil, []*string{&empty, nil, &z}),
		data.NewField("bool", nil, []bool{true, false, true}),
		data.NewField("bool?", nil, []*bool{&no, nil, &yes}),
		data.NewField("time", nil, []time.Time{before, epoch, today}),
		data.NewField("time?", nil, []*time.Time{&before, nil, &today}),
		data.NewField("json", nil, []json.RawMessage{one, document("7"), three}),
		data.NewField("json?", nil, []*json.RawMessage{&one, nil, &three}),
		data.NewField("enum", nil, []data.EnumItemIndex{0, 2, 1}).SetConfig(texts),
		data.NewField("enum?", nil, []*data.EnumItemIndex{&off, nil, &on}).SetConfig(texts),
	}
}

// everyConfig is every config but an enum's texts.
func everyConfig() *data.FieldConfig {
	config := &data.FieldConfig{
		DisplayName:       "A title",
		DisplayNameFromDS: "The data source's title",
		Path:              "a/b",
		Description:       "What it is",
		Unit:              "bytes",
		Interval:          15_000,
		NoValue:           "nothing",
		Color:             map[string]any{"mode": "fixed", "fixedColor": "red"},
		Custom:            map[string]any{"width": 100.0},
		Links: []data.DataLink{
			{Title: "There", TargetBlank: true, URL: "https://example.com/${__value.raw}"},
			{Title: "Here", URL: "/d/x"},
		},
		Thresholds: &data.ThresholdsConfig{
			Mode: data.ThresholdsModePercentage,
			Steps: []data.Threshold{
				data.NewThreshold(math.Inf(-1), "blue", ""), data.NewThreshold(50, "red", ""),
			},
		},
		Mappings: everyMapping(),
	}
	writeable := false
	config.Writeable = &writeable
	return config.SetDecimals(2).SetMin(-1.5).SetMax(1e300).SetFilterable(true)
}

// everyMapping is a mapping of each sort, each with its number as the text.
func everyMapping() data.ValueMappings {
	shows := func(text string) data.ValueMappingResult {
		return data.ValueMappingResult{Text: text, Color: "red"}
	}
	end := func(value float64) *data.ConfFloat64 {
		float := data.ConfFloat64(value)
		return &float
	}
	return data.ValueMappings{
		data.ValueMapper{"7": shows("0")},
		data.RangeValueMapper{From: end(1), To: end(2), Result: shows("1")},
		data.RangeValueMapper{To: end(0), Result: shows("2")},
		data.SpecialValueMapper{Match: data.SpecialValueTrue, Result: shows("3")},
		data.SpecialValueMapper{Match: data.SpecialValueFalse, Result: shows("4")},
		data.SpecialValueMapper{Match: data.SpecialValueNull, Result: shows("5")},
		data.SpecialValueMapper{Match: data.SpecialValueNaN, Result: shows("6")},
		data.SpecialValueMapper{Match: data.SpecialValueNullAndNaN, Result: shows("7")},
		data.SpecialValueMapper{Match: data.SpecialValueEmpty, Result: shows("8")},
	}
}
