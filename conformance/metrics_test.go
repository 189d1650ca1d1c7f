package conformance

import (
	"bytes"
	"os/exec"
	"testing"

	"github.com/grafana/grafana-plugin-sdk-go/genproto/pluginv2"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

// metrics collects as Grafana does: it sends nothing but the plugin's id.
func metrics(t *testing.T, p *plugin) []byte {
	t.Helper()
	asked := &pluginv2.CollectMetricsRequest{PluginContext: &pluginv2.PluginContext{PluginId: pluginID}}
	response, err := p.diagnostics.CollectMetrics(within(t), asked)
	must(t, err)
	return response.GetMetrics().GetPrometheus()
}

// families reads the text exposition format as a Prometheus server does.
func families(t *testing.T, text []byte) map[string]*dto.MetricFamily {
	t.Helper()
	parser := expfmt.NewTextParser(model.UTF8Validation)
	read, err := parser.TextToMetricFamilies(bytes.NewReader(text))
	must(t, err)
	return read
}

// asked is how many requests to an endpoint the metric of Grafana's own SDK has counted.
func asked(families map[string]*dto.MetricFamily, endpoint string) float64 {
	var sum float64
	for _, metric := range families["grafana_plugin_request_total"].GetMetric() {
		for _, label := range metric.GetLabel() {
			if label.GetName() == "endpoint" && label.GetValue() == endpoint {
				sum += metric.GetCounter().GetValue()
			}
		}
	}
	return sum
}

func TestMetricsCountWhatWasAsked(t *testing.T) {
	p := launch(t, "fixtures/odd")
	answersOne(t, p)
	answersOne(t, p)
	health(t, p, odd())
	read := families(t, metrics(t, p))
	equal(t, "the queries", asked(read, "queryData"), 2)
	equal(t, "the health checks", asked(read, "checkHealth"), 1)
}

func TestEveryMetricSaysWhatItIs(t *testing.T) {
	p := launch(t, "fixtures/odd")
	answersOne(t, p)
	read := families(t, metrics(t, p))
	if len(read) == 0 {
		t.Fatal("there are no metrics")
	}
	for name, family := range read {
		if family.GetHelp() == "" || family.GetType() == dto.MetricType_UNTYPED {
			t.Errorf("%s has the type %v and the help %q", name, family.GetType(), family.GetHelp())
		}
	}
}

func TestPrometheusItselfHasNothingToSayAgainstTheMetrics(t *testing.T) {
	p := launch(t, "fixtures/odd")
	answersOne(t, p)
	ask(t, p, request(odd(), behave("A", "refuse"), behave("B", "panic")))
	promtool, err := exec.LookPath("promtool")
	if err != nil {
		t.Fatal("promtool is needed: it comes with Prometheus, in Debian the package prometheus")
	}
	check := exec.Command(promtool, "check", "metrics")
	check.Stdin = bytes.NewReader(metrics(t, p))
	if said, err := check.CombinedOutput(); err != nil || len(bytes.TrimSpace(said)) > 0 {
		t.Errorf("promtool (%v) says:\n%s", err, said)
	}
}
