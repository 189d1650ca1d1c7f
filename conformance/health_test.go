package conformance

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/grafana/grafana-plugin-sdk-go/backend"
	"github.com/grafana/grafana-plugin-sdk-go/genproto/pluginv2"
)

// health asks as "Save & test" does, and reads the answer with the SDK.
func health(t *testing.T, p *plugin, context *pluginv2.PluginContext) *backend.CheckHealthResult {
	t.Helper()
	response, err := p.diagnostics.CheckHealth(within(t), &pluginv2.CheckHealthRequest{PluginContext: context})
	must(t, err)
	return backend.FromProto().CheckHealthResponse(response)
}

func TestSaveAndTestSaysThatTheAPIAnswers(t *testing.T) {
	p := launch(t, "things")
	checked := health(t, p, thingsAt(serve(t, says("{}")).url))
	equal(t, "the status", checked.Status, backend.HealthStatusOk)
	equal(t, "the message", checked.Message, "The API answers.")
	equal(t, "the steps", stepsOf(t, detailsOf(t, checked)), "Connected, Authenticated, Answered, Understood")
}

func detailsOf(t *testing.T, checked *backend.CheckHealthResult) map[string]any {
	t.Helper()
	var details map[string]any
	must(t, json.Unmarshal(checked.JSONDetails, &details))
	return details
}

// stepsOf are the names of the steps that went well, as the details have them; each is in the text that Grafana shows.
func stepsOf(t *testing.T, details map[string]any) string {
	t.Helper()
	shown, isText := details["verboseMessage"].(string)
	equal(t, "whether there is a text to show", isText, true)
	var steps []string
	for _, step := range details["steps"].([]any) {
		step := step.(map[string]any)
		name := step["step"].(string)
		equal(t, "whether "+name+" went well", step["ok"].(bool), true)
		if !strings.Contains(shown, name+": OK (") {
			t.Errorf("%q does not tell of %s", shown, name)
		}
		steps = append(steps, name)
	}
	return strings.Join(steps, ", ")
}

func TestTheDetailsOfAHealthCheckAreAJSONObject(t *testing.T) {
	p := launch(t, "prometheus")
	api := serve(t, func(writer http.ResponseWriter, request *http.Request) {
		if strings.HasSuffix(request.URL.Path, "/status/buildinfo") {
			says(`{"status":"success","data":{"version":"3.1.0","features":{}}}`)(writer, request)
			return
		}
		says(`{"status":"success","data":{"resultType":"scalar","result":[1,"2"]}}`)(writer, request)
	})
	checked := health(t, p, datasource("prometheus", api.url))
	equal(t, "the status", checked.Status, backend.HealthStatusOk)
	equal(t, "the message", checked.Message, "Prometheus 3.1.0 answers.")
	details := detailsOf(t, checked)
	equal(t, "the steps", stepsOf(t, details), "Connected, Authenticated, Answered, Answered, Understood")
	delete(details, "steps")
	delete(details, "verboseMessage")
	want := map[string]any{
		"application": "Prometheus", "version": "3.1.0", "features": map[string]any{"rulerApiEnabled": false},
	}
	if difference := cmp.Diff(want, details); difference != "" {
		t.Error(difference)
	}
}

func TestWhateverIsWrongIsAnUnhealthyStatusWithASentence(t *testing.T) {
	p := launch(t, "things")
	refusing := serve(t, func(writer http.ResponseWriter, _ *http.Request) { writer.WriteHeader(http.StatusUnauthorized) })
	notJSON := thingsAt(refusing.url)
	notJSON.DataSourceInstanceSettings.JsonData = []byte("{")
	nothingSaid := thingsAt(refusing.url)
	nothingSaid.DataSourceInstanceSettings.JsonData = nil
	for text, context := range map[string]*pluginv2.PluginContext{
		"127.0.0.1:9":                thingsAt("http://127.0.0.1:9"),
		"401":                        thingsAt(refusing.url),
		"There is no guest 'nobody'": withSettings(thingsAt(refusing.url), object{"guest": "nobody"}),
		"thing":                      withSettings(thingsAt(refusing.url), object{"guest": "things"}),
		"JSON":                       notJSON,
		"guest":                      nothingSaid,
	} {
		checked := health(t, p, context)
		equal(t, "the status", checked.Status, backend.HealthStatusError)
		if !strings.Contains(checked.Message, text) {
			t.Errorf("%q does not say %q", checked.Message, text)
		}
	}
}
