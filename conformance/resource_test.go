package conformance

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/grafana/grafana-plugin-sdk-go/genproto/pluginv2"
)

// call is a resource call as Grafana forwards it. The path may end with a query.
func call(context *pluginv2.PluginContext, method, path string) *pluginv2.CallResourceRequest {
	bare, _, _ := strings.Cut(path, "?")
	return &pluginv2.CallResourceRequest{PluginContext: context, Method: method, Path: bare, Url: path}
}

// messages are all messages of an answer, of which there must be one at least.
func messages(t *testing.T, p *plugin, request *pluginv2.CallResourceRequest) []*pluginv2.CallResourceResponse {
	t.Helper()
	stream, err := p.resource.CallResource(within(t), request)
	must(t, err)
	var all []*pluginv2.CallResourceResponse
	for {
		message, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			break
		}
		must(t, err)
		all = append(all, message)
	}
	if len(all) == 0 {
		t.Fatalf("%s was answered with nothing", request.Path)
	}
	return all
}

// answer is an HTTP answer.
type answer struct {
	code    int32
	headers http.Header
	body    []byte
}

// respond puts the messages of an answer together as Grafana does.
func respond(t *testing.T, p *plugin, request *pluginv2.CallResourceRequest) answer {
	t.Helper()
	all := messages(t, p, request)
	whole := answer{code: all[0].Code, headers: http.Header{}}
	for name, values := range all[0].Headers {
		for _, value := range values.Values {
			whole.headers.Add(name, value)
		}
	}
	for _, message := range all {
		whole.body = append(whole.body, message.Body...)
	}
	return whole
}

// document expects JSON of a status, and reads it.
func (a answer) document(t *testing.T, code int32) map[string]any {
	t.Helper()
	equal(t, "the status", a.code, code)
	equal(t, "the content type", a.headers.Get("Content-Type"), "application/json")
	var read map[string]any
	if err := json.Unmarshal(a.body, &read); err != nil {
		t.Fatalf("%v: %s", err, a.body)
	}
	return read
}

func TestGuestsAreListedBeforeOneIsChosen(t *testing.T) {
	p := launch(t, "things", "fixtures/odd")
	must(t, os.WriteFile(filepath.Join(p.folder.path, "guests", "broken.wasm"), []byte("no component"), 0o644))
	nothingChosen := withSettings(odd(), object{})
	listed := respond(t, p, call(nothingChosen, "GET", "guests")).document(t, 200)["guests"].([]any)
	equal(t, "the number of guests", len(listed), 3)
	for _, each := range listed {
		guest := each.(map[string]any)
		switch guest["name"] {
		case "broken":
			if said, isText := guest["error"].(string); !isText || said == "" {
				t.Errorf("the broken guest has no error: %v", guest)
			}
		case "things":
			want := map[string]any{
				"name": "things", "title": "Things", "version": "0.1.0", "vendor": "Graft", "documentation": "",
				"capabilities": []any{"metrics", "alerting"},
			}
			if difference := cmp.Diff(want, guest); difference != "" {
				t.Error(difference)
			}
		case "odd":
			equal(t, "the title", guest["title"], any("Odd"))
		default:
			t.Errorf("nobody installed %v", guest)
		}
	}
}

func TestAnEditorLearnsTheSchemasOfItsGuest(t *testing.T) {
	p := launch(t, "things", "fixtures/odd")
	for _, path := range []string{"schema", "schema?guest=things"} {
		context := odd()
		if path == "schema" {
			context = thingsAt("")
		}
		schema := respond(t, p, call(context, "GET", path)).document(t, 200)
		equal(t, "the name", schema["name"], any("things"))
		settings := schema["settingsSchema"].(map[string]any)
		if difference := cmp.Diff([]any{"thing"}, settings["required"]); difference != "" {
			t.Error(difference)
		}
		query := schema["querySchema"].(map[string]any)["properties"].(map[string]any)
		equal(t, "whether the query has a table", query["table"] != nil, true)
		if difference := cmp.Diff([]any{"GET"}, schema["methods"]); difference != "" {
			t.Error(difference)
		}
		equal(t, "the number of hosts", len(schema["hosts"].([]any)), 0)
		equal(t, "the number of secrets", len(schema["secrets"].([]any)), 0)
	}
	schema := respond(t, p, call(odd(), "GET", "schema")).document(t, 200)
	want := []any{map[string]any{
		"name": "apiKey", "title": "API key", "help": "Sent as a parameter.", "required": false,
	}}
	if difference := cmp.Diff(want, schema["secrets"]); difference != "" {
		t.Error(difference)
	}
}

func TestTheVersionIsKnownWithoutADataSource(t *testing.T) {
	p := launch(t)
	version := respond(t, p, call(&pluginv2.PluginContext{PluginId: pluginID}, "GET", "version")).document(t, 200)
	want := map[string]any{"plugin": pluginID, "version": "0.1.0", "contract": "0.1.0"}
	if difference := cmp.Diff(want, version); difference != "" {
		t.Error(difference)
	}
}

// readiness asks whether alert rules can use a query of the odd guest.
func readiness(t *testing.T, p *plugin, model object) map[string]any {
	t.Helper()
	model["refId"] = "A"
	asked := call(odd(), "POST", "alert-readiness")
	asked.Headers = map[string]*pluginv2.StringList{"Content-Type": {Values: []string{"application/json"}}}
	asked.Body = object{
		"queries": []object{model}, "from": "1700000000000", "to": "1700003600000",
	}.bytes()
	document := respond(t, p, asked).document(t, 200)
	return document["results"].(map[string]any)["A"].(map[string]any)
}

func TestAlertReadinessTellsHowAQueryWillBeRead(t *testing.T) {
	p := launch(t, "fixtures/odd")
	series := readiness(t, p, object{"behaviour": "kind", "kind": "timeseries-wide", "rows": 3})
	equal(t, "ready", series["ready"], any(true))
	equal(t, "read as", series["readAs"], any("time series"))
	equal(t, "the number of series", series["series"], any(2.0))
	numbers := readiness(t, p, object{"behaviour": "kind", "kind": "numeric-wide", "rows": 1})
	equal(t, "read as", numbers["readAs"], any("numbers"))
	nothing := readiness(t, p, object{"behaviour": "kind", "kind": "timeseries-wide"})
	equal(t, "read as", nothing["readAs"], any("no data"))
}

func TestAPathThatNobodyKnowsIsNotFound(t *testing.T) {
	p := launch(t, "fixtures/odd")
	refused := respond(t, p, call(odd(), "GET", "nowhere")).document(t, 404)
	if said, isText := refused["message"].(string); !isText || !strings.Contains(said, "nowhere") {
		t.Errorf("it says %v", refused)
	}
}

func TestAGuestAnswersItsOwnResources(t *testing.T) {
	p := launch(t, "fixtures/odd")
	asked := call(odd(), "POST", "echo?a=1&a=%20b")
	asked.Body = []byte("body")
	asked.Headers = map[string]*pluginv2.StringList{
		"Content-Type":  {Values: []string{"text/plain"}},
		"Cookie":        {Values: []string{"canary=1"}},
		"Authorization": {Values: []string{"Bearer canary"}},
	}
	echoed := respond(t, p, asked)
	equal(t, "the status", echoed.code, 200)
	if text := string(echoed.body); !containsAll(text, `"POST"`, `"echo"`, `" b"`, "text/plain") || strings.Contains(text, "canary") {
		t.Errorf("the guest saw %s", text)
	}
}

func TestAGuestAsksItsAPIForAResource(t *testing.T) {
	p := launch(t, "fixtures/odd")
	api := serve(t, says(`["Köln"]`))
	answered := respond(t, p, call(datasource("odd", api.url), "GET", "api"))
	equal(t, "the status", answered.code, 200)
	equal(t, "the body", string(answered.body), `["Köln"]`)
	for _, asked := range api.asked() {
		equal(t, "the path", asked.URL.Path, "/resource")
	}
	equal(t, "the number of requests", len(api.asked()), 1)
}

func TestALargeBodyComesInPartsOfWhichOnlyTheFirstHasStatusAndHeaders(t *testing.T) {
	p := launch(t, "fixtures/odd")
	parts := messages(t, p, call(odd(), "GET", "large"))
	if len(parts) < 2 {
		t.Errorf("1 MiB came in %d message", len(parts))
	}
	var size int
	for _, part := range parts {
		size += len(part.Body)
	}
	equal(t, "the size", size, 1<<20)
	equal(t, "the status", parts[0].Code, 200)
	isBare := func(part *pluginv2.CallResourceResponse) bool { return part.Code == 0 && len(part.Headers) == 0 }
	equal(t, "whether the later parts are bare", !slices.ContainsFunc(parts[1:], func(part *pluginv2.CallResourceResponse) bool {
		return !isBare(part)
	}), true)
}
