package conformance

import (
	"bytes"
	"encoding/json"
	"net/http"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/ipc"
	"github.com/grafana/grafana-plugin-sdk-go/backend"
	"github.com/grafana/grafana-plugin-sdk-go/data"
	"github.com/grafana/grafana-plugin-sdk-go/genproto/pluginv2"
	goplugin "github.com/hashicorp/go-plugin"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// The twenty things that are easiest to get wrong between a plugin and Grafana, one test each, in the contract's order.

// 1. Printing anything to stdout before the handshake line, or later.
func TestNothingButTheHandshakeIsEverPrinted(t *testing.T) {
	process := startRaw(t, install(t, "fixtures/odd"))
	process.fields(t)
	must(t, process.command.Process.Signal(syscall.SIGTERM))
	equal(t, "the exit code", process.exitCode(t), 0)
	equal(t, "the number of lines on stdout", len(process.stdout.all()), 1)
	process.log.check(t)
}

// 2. Leaving DataResponse.status 0, which Grafana reads as 500.
func TestNoAnswerLeavesItsStatusOut(t *testing.T) {
	p := launch(t, "fixtures/odd")
	inBothFormats(t, func(t *testing.T, format pluginFormat) {
		asked := request(odd(), behave("A", "answer"), ofNoData("B"), behave("C", "refuse"), behave("D", "panic"))
		asked.Format = format
		want := map[string]int32{"A": 200, "B": 200, "C": 400, "D": 500}
		for refID, answer := range ask(t, p, asked).Responses {
			equal(t, "the status of "+refID, answer.Status, want[refID])
		}
	})
}

// 3. Returning JSON without saying that it is.
func TestEachAnswerSaysInWhichFormatItIs(t *testing.T) {
	p := launch(t, "fixtures/odd")
	inBothFormats(t, func(t *testing.T, format pluginFormat) {
		asked := request(odd(), behave("A", "answer"), behave("B", "refuse"))
		asked.Format = format
		for refID, answer := range ask(t, p, asked).Responses {
			equal(t, "the format of "+refID, answer.Format, format)
			for _, frame := range answer.Frames {
				equal(t, "whether it is JSON", json.Valid(frame), format == pluginv2.DataFrameFormat_JSON)
			}
		}
	})
}

// arrowFile opens a frame as an Arrow IPC file, which a stream is not.
func arrowFile(t *testing.T, p *plugin, query *pluginv2.DataQuery) *ipc.FileReader {
	t.Helper()
	answer := ask(t, p, request(odd(), query)).Responses[query.RefId]
	equal(t, "the error", answer.Error, "")
	reader, err := ipc.NewFileReader(bytes.NewReader(answer.Frames[0]))
	must(t, err)
	t.Cleanup(func() { _ = reader.Close() })
	return reader
}

// 4. Using Arrow's stream format instead of its file format.
func TestAFrameIsAnArrowFileAndNotAStream(t *testing.T) {
	p := launch(t, "fixtures/odd")
	reader := arrowFile(t, p, behave("A", "every-type"))
	equal(t, "the number of record batches", reader.NumRecords(), 1)
	name, _ := reader.Schema().Metadata().GetValue("name")
	equal(t, "the name", name, "every type")
	equal(t, "the version", reader.Version(), ipc.MetadataV5)
	equal(t, "the number of record batches without rows", arrowFile(t, p, ofKind(data.FrameTypeTable, 0)).NumRecords(), 0)
}

// 5. Timestamps in other units than nanoseconds, or with a time zone.
func TestTimestampsAreNanosecondsWithoutATimeZone(t *testing.T) {
	p := launch(t, "fixtures/odd")
	for _, name := range []string{"time", "time?"} {
		fields, _ := arrowFile(t, p, behave("A", "every-type")).Schema().FieldsByName(name)
		stamp, isStamp := fields[0].Type.(*arrow.TimestampType)
		equal(t, "whether it is a timestamp", isStamp, true)
		equal(t, "the unit", stamp.Unit, arrow.Nanosecond)
		equal(t, "the time zone", stamp.TimeZone, "")
	}
}

// 6. Columns of types that Grafana's decoder does not know.
func TestColumnsHaveNoTypesButThoseThatGrafanaReads(t *testing.T) {
	p := launch(t, "fixtures/odd")
	known := map[arrow.Type]bool{
		arrow.INT8: true, arrow.INT16: true, arrow.INT32: true, arrow.INT64: true,
		arrow.UINT8: true, arrow.UINT16: true, arrow.UINT32: true, arrow.UINT64: true,
		arrow.FLOAT32: true, arrow.FLOAT64: true, arrow.STRING: true, arrow.BOOL: true,
		arrow.TIMESTAMP: true, arrow.BINARY: true,
	}
	seen := map[arrow.Type]bool{}
	for _, field := range arrowFile(t, p, behave("A", "every-type")).Schema().Fields() {
		equal(t, "whether Grafana reads "+field.Type.String(), known[field.Type.ID()], true)
		seen[field.Type.ID()] = true
	}
	equal(t, "the number of types", len(seen), len(known))
}

// 7. Nulls in a column that is not nullable, or a nullable time column in a time series.
func TestNullsAreWhereAColumnSaysSoAndTimesOfSeriesHaveNone(t *testing.T) {
	p := launch(t, "fixtures/odd")
	reader := arrowFile(t, p, behave("A", "every-type"))
	batch, err := reader.RecordBatch(0)
	must(t, err)
	for index, field := range reader.Schema().Fields() {
		isNullable := strings.HasSuffix(field.Name, "?")
		equal(t, "whether "+field.Name+" is nullable", field.Nullable, isNullable)
		equal(t, "whether "+field.Name+" has nulls", batch.Column(index).NullN() > 0, isNullable)
	}
	for _, kind := range timeSeriesKinds {
		frame := framesOf(t, p, odd(), ofKind(kind, 3), pluginv2.DataFrameFormat_ARROW)[0]
		equal(t, "the type of time in "+string(kind), frame.Fields[0].Type(), data.FieldTypeTime)
	}
}

// 8. Log lines whose level, message or time is no text.
func TestWhateverAGuestDoesTheLogStaysReadable(t *testing.T) {
	p := launch(t, "fixtures/odd")
	for _, behaviour := range []string{"log-flood", "panic", "refuse", "invalid-text", "take-all-memory"} {
		ask(t, p, request(odd(), behave("A", behaviour)))
	}
	p.log.waitFor(t, "line 1")
	p.stop()
	// What ends each test holds every line against the rules; this one makes sure that there are some.
	if lines := p.log.all(); len(lines) < 20 {
		t.Errorf("there are %d lines", len(lines))
	}
}

// 9. A certificate in the handshake that nobody asked for.
func TestTheHandshakeHasNoCertificateThatNobodyAskedFor(t *testing.T) {
	fields := startRaw(t, install(t)).fields(t)
	equal(t, "the number of fields", len(fields), 6)
	equal(t, "the certificate", fields[5], "")
}

// 10. Not answering Shutdown in time, or taking SIGINT for one.
func TestShutdownEndsTheProcessInTimeAndSIGINTDoesNot(t *testing.T) {
	p := launch(t, "fixtures/odd")
	must(t, p.command.Process.Signal(syscall.SIGINT))
	must(t, p.protocol.Ping())
	took := p.stop()
	if took >= gracefulTime {
		t.Errorf("stopping took %v", took)
	}
	equal(t, "the exit code", p.exited(t), 0)
}

// 11. Omitting the fifth field of the handshake.
func TestTheHandshakeNamesGRPC(t *testing.T) {
	fields := startRaw(t, install(t)).fields(t)
	equal(t, "the core version", fields[0], "1")
	equal(t, "the version", fields[1], "2")
	equal(t, "the network", fields[2], "unix")
	equal(t, "whether the path is absolute", filepath.IsAbs(fields[3]), true)
	equal(t, "the protocol", fields[4], string(goplugin.ProtocolGRPC))
}

// 12. tonic's usual limit of 4 MiB, in either direction.
func TestMessagesMayBeAsLargeAsGosSDKAllows(t *testing.T) {
	p := launch(t, "fixtures/odd")
	const length = 15 << 20
	large := query("A", object{"behaviour": "show-length", "text": strings.Repeat("x", length)})
	frames := framesOf(t, p, odd(), large, pluginv2.DataFrameFormat_ARROW)
	equal(t, "the length that arrived", frames[0].At(0, 0), any(uint64(length)))
	const rows = 1_000_000
	wide := framesOf(t, p, odd(), ofKind(data.FrameTypeTimeSeriesWide, rows), pluginv2.DataFrameFormat_ARROW)
	equal(t, "the number of rows of 24 MB", wide[0].Rows(), rows)
}

// 13. Forgetting a refId, which then shows as "no data".
func TestNoRefIDIsForgottenWhateverItIsCalled(t *testing.T) {
	p := launch(t, "fixtures/odd")
	names := []string{"A", "B", "a query", "Ä", "0", "__proto__", strings.Repeat("x", 1000), ""}
	asked := request(odd())
	for index, name := range names {
		asked.Queries = append(asked.Queries, behave(name, []string{"answer", "refuse", "no-such-behaviour"}[index%3]))
	}
	answers := ask(t, p, asked).Responses
	equal(t, "the number of answers", len(answers), len(names))
	for _, name := range names {
		equal(t, "whether there is an answer to "+name, answers[name] != nil, true)
	}
}

// 13, for settings that cannot be used: each query says so.
func TestSettingsThatCannotBeUsedAreToldToEachQuery(t *testing.T) {
	p := launch(t, "fixtures/odd")
	asked := request(withSettings(odd(), object{"guest": "nobody"}), behave("A", "answer"), behave("B", "answer"))
	answers := decoded(t, ask(t, p, asked))
	for _, refID := range []string{"A", "B"} {
		fails(t, answers[refID], backend.StatusBadRequest, backend.ErrorSourceDownstream, "There is no guest 'nobody'")
	}
}

// 14. Meta and configs that Grafana's decoder does not take.
func TestMetaAndConfigsHaveTheShapesThatGrafanaDecodes(t *testing.T) {
	p := launch(t, "fixtures/odd")
	asked := request(odd(), behave("A", "every-type"))
	asked.Format = pluginv2.DataFrameFormat_JSON
	var frame struct {
		Schema struct {
			Meta struct {
				TypeVersion []uint           `json:"typeVersion"`
				Notices     []map[string]any `json:"notices"`
			} `json:"meta"`
			Fields []struct {
				Config struct {
					Mappings []struct {
						Type string `json:"type"`
					} `json:"mappings"`
					Thresholds struct {
						Steps []map[string]any `json:"steps"`
					} `json:"thresholds"`
				} `json:"config"`
			} `json:"fields"`
		} `json:"schema"`
	}
	must(t, json.Unmarshal(ask(t, p, asked).Responses["A"].Frames[0], &frame))
	equal(t, "the length of typeVersion", len(frame.Schema.Meta.TypeVersion), 2)
	equal(t, "the number of notices", len(frame.Schema.Meta.Notices), 3)
	for _, notice := range frame.Schema.Meta.Notices {
		equal(t, "inspect", notice["inspect"], nil)
	}
	mappings := 0
	for _, field := range frame.Schema.Fields {
		for _, mapping := range field.Config.Mappings {
			equal(t, "whether the mapping is known", strings.Contains("value range special", mapping.Type), true)
			mappings++
		}
		for _, step := range field.Config.Thresholds.Steps {
			delete(step, "value")
			delete(step, "color")
			equal(t, "what else a step has", len(step), 0)
		}
	}
	equal(t, "the number of mappings", mappings, 9)
}

// 15. "No data" as a frame with fields and no rows.
func TestNoDataIsOneFrameWithAKindAndWithoutFields(t *testing.T) {
	p := launch(t, "fixtures/odd")
	inBothFormats(t, func(t *testing.T, format pluginFormat) {
		frames := framesOf(t, p, odd(), ofNoData("A"), format)
		equal(t, "the number of frames", len(frames), 1)
		equal(t, "the number of fields", len(frames[0].Fields), 0)
		equal(t, "the kind", frames[0].Meta.Type, data.FrameTypeTimeSeriesWide)
		equal(t, "the version", frames[0].Meta.TypeVersion, data.FrameTypeVersion{0, 1})
	})
}

// 16. Frames with text columns and no kind sent to alerting.
func TestAnAlertGetsFramesThatItCanRead(t *testing.T) {
	p := launch(t, "fixtures/odd")
	asked := request(odd(), ofKind(data.FrameTypeTimeSeriesLong, 3))
	asked.Headers = map[string]string{"FromAlert": "true"}
	answer := decoded(t, ask(t, p, asked))["A"]
	must(t, answer.Error)
	collection, err := timeseriesOf(t, answer.Frames).GetCollection(true)
	must(t, err)
	equal(t, "the number of series", len(collection.Refs), 2)
	table := readiness(t, p, object{"behaviour": "show-query"})
	equal(t, "whether a table of texts is ready", table["ready"], any(false))
	equal(t, "whether it is said why", len(table["reasons"].([]any)) > 0, true)
}

// 17. A first message of a resource call without a status, no message at all, or cookies for Grafana's user.
func TestEveryResourceCallBeginsWithAStatusAndSetsNoCookie(t *testing.T) {
	p := launch(t, "fixtures/odd")
	for path, code := range map[string]int32{
		"version": 200, "guests": 200, "echo": 200, "large": 200, "nowhere": 404, "panic": 500, "": 404,
		"status?status=204": 204, "status?status=418": 418,
	} {
		first := messages(t, p, call(odd(), "GET", path))[0]
		equal(t, "the status of "+path, first.Code, code)
		for name := range first.Headers {
			equal(t, "whether "+path+" sets a cookie", strings.EqualFold(name, "Set-Cookie"), false)
		}
	}
}

// 18. A stream that ends without an error although there is more to come.
func TestAStreamGoesOnUntilItIsCancelled(t *testing.T) {
	p := launchIn(t, install(t, "fixtures/odd"), quick)
	path, payload := live(ticks(), tick, time.Minute)
	stream, _ := run(t, p, odd(), path, payload)
	for range 5 {
		packet(t, stream)
	}
	// The connection stays open, so that the end is told by the plugin and not by the client's own side.
	shutDown(t, p)
	var err error
	for err == nil {
		_, err = stream.Recv()
	}
	equal(t, "the end", status.Code(err), codes.Unavailable)
	if !containsAll(status.Convert(err).Message(), "the plugin is ending") {
		t.Errorf("the plugin does not say that it ends: %v", err)
	}
	equal(t, "the exit code", p.exited(t), 0)
}

// 19. Looking for headers under names that they do not have. That an alert asks shows in what it cannot evaluate.
func TestAnAlertIsKnownByExactlyItsHeader(t *testing.T) {
	p := launch(t, "fixtures/odd")
	for _, header := range []string{"FromAlert", "http_FromAlert", "X-Rule-Uid", "http_X-Rule-Uid"} {
		asked := request(odd(), behave("A", "show-query"))
		asked.Headers = map[string]string{header: "true"}
		answer := decoded(t, ask(t, p, asked))["A"]
		if header == "FromAlert" {
			fails(t, answer, backend.StatusBadRequest, backend.ErrorSourceDownstream, "alert rule")
			continue
		}
		must(t, answer.Error)
		told, _ := answer.Frames[0].FieldByName("fromAlert")
		equal(t, header, told.At(0), any(false))
	}
}

// 20. Needing PATH, HOME, a working directory, or one connection alone.
func TestThePluginNeedsNeitherItsFolderNorPathNorOneConnection(t *testing.T) {
	p := launchIn(t, install(t, "fixtures/odd"), options{skipHostEnv: true})
	answersOne(t, p)
	for range 3 {
		again := goplugin.NewClient(&goplugin.ClientConfig{
			HandshakeConfig: handshake, Plugins: pluginSets()[2], Reattach: p.client.ReattachConfig(),
			AllowedProtocols: []goplugin.Protocol{goplugin.ProtocolGRPC}, Logger: (&logLines{}).logger(),
		})
		protocol, err := again.Client()
		must(t, err)
		other := &plugin{folder: p.folder, client: again, protocol: protocol.(*goplugin.GRPCClient)}
		other.dispense(t)
		answersOne(t, other)
		// A broken connection is not a reason for the plugin to end.
		must(t, other.connection().Close())
	}
	answersOne(t, p)
}

// 20, for what is kept of a data source: it changes with the settings, even where the time of the change does not.
func TestADataSourceIsBuiltAgainWhenItsSettingsChange(t *testing.T) {
	p := launch(t, "fixtures/odd")
	shown := func(context *pluginv2.PluginContext) any {
		return framesOf(t, p, context, behave("A", "show-responses"), pluginv2.DataFrameFormat_ARROW)[0].At(0, 0)
	}
	named := func(name string) string {
		return serve(t, func(writer http.ResponseWriter, _ *http.Request) { _, _ = writer.Write([]byte(name)) }).url
	}
	context := datasource("odd", named("one"))
	equal(t, "the first API's answer", shown(context), any("200 one"))
	context.DataSourceInstanceSettings.Url = named("two")
	equal(t, "the second API's answer", shown(context), any("200 two"))
	context.DataSourceInstanceSettings.Url = named("three")
	context.DataSourceInstanceSettings.LastUpdatedMS++
	equal(t, "the third API's answer", shown(context), any("200 three"))
	context.GrafanaConfig["GF_APP_URL"] = "http://elsewhere/"
	equal(t, "the answer to another Grafana", shown(context), any("200 three"))
}

// 20, for JSON whose members are in an order that Grafana's decoder does not read.
func TestJSONHasItsSchemaFirstAndItsValuesBeforeWhatIsSaidOfThem(t *testing.T) {
	p := launch(t, "fixtures/odd")
	asked := request(odd(), behave("A", "every-type"))
	asked.Format = pluginv2.DataFrameFormat_JSON
	text := string(ask(t, p, asked).Responses["A"].Frames[0])
	last := -1
	for _, member := range []string{`{"schema":`, `,"data":{"values":`, `,"entities":`, `,"nanos":`} {
		at := strings.Index(text, member)
		if at <= last {
			t.Errorf("%s is at %d, and the member before at %d", member, at, last)
		}
		last = at
	}
}
