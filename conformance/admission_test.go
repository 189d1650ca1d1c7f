package conformance

import (
	"bytes"
	"strings"
	"testing"

	"github.com/grafana/grafana-plugin-sdk-go/genproto/pluginv2"
	"google.golang.org/protobuf/proto"
)

// saving is an admission of a data source's settings.
func saving(t *testing.T, context *pluginv2.PluginContext) *pluginv2.AdmissionRequest {
	t.Helper()
	settings, err := proto.Marshal(context.DataSourceInstanceSettings)
	must(t, err)
	// Grafana has not saved them yet, so that they are no part of the context.
	bare := proto.Clone(context).(*pluginv2.PluginContext)
	bare.DataSourceInstanceSettings = nil
	return &pluginv2.AdmissionRequest{
		PluginContext: bare,
		Operation:     pluginv2.AdmissionRequest_CREATE,
		Kind: &pluginv2.GroupVersionKind{
			Group: "grafana-plugin-sdk-go", Version: "v0alpha1", Kind: "DataSourceInstanceSettings",
		},
		ObjectBytes: settings,
	}
}

// withoutThing are settings that lack what the things guest needs.
func withoutThing() *pluginv2.PluginContext {
	return withSettings(thingsAt("http://127.0.0.1:9"), object{"guest": "things"})
}

func TestSettingsThatFitTheGuestsSchemaMayBeSaved(t *testing.T) {
	p := launch(t, "things")
	for _, operation := range []pluginv2.AdmissionRequest_Operation{
		pluginv2.AdmissionRequest_CREATE, pluginv2.AdmissionRequest_UPDATE,
	} {
		asked := saving(t, thingsAt("http://127.0.0.1:9"))
		asked.Operation = operation
		verdict, err := p.admission.ValidateAdmission(within(t), asked)
		must(t, err)
		equal(t, "whether it is allowed", verdict.Allowed, true)
	}
}

func TestSettingsThatDoNotFitAreRefusedWithASentence(t *testing.T) {
	p := launch(t, "things")
	for text, context := range map[string]*pluginv2.PluginContext{
		"thing":                      withoutThing(),
		"/thing":                     withSettings(withoutThing(), object{"guest": "things", "thing": 7}),
		"There is no guest 'nobody'": withSettings(withoutThing(), object{"guest": "nobody"}),
		"guest":                      withSettings(withoutThing(), object{}),
	} {
		verdict, err := p.admission.ValidateAdmission(within(t), saving(t, context))
		must(t, err)
		equal(t, "whether it is allowed", verdict.Allowed, false)
		equal(t, "the status", verdict.GetResult().GetStatus(), "Failure")
		if said := verdict.GetResult().GetMessage(); !strings.Contains(said, text) {
			t.Errorf("%q does not say %q", said, text)
		}
	}
}

func TestADataSourceCanAlwaysBeDeleted(t *testing.T) {
	p := launch(t, "things")
	asked := saving(t, withoutThing())
	asked.Operation, asked.OldObjectBytes, asked.ObjectBytes = pluginv2.AdmissionRequest_DELETE, asked.ObjectBytes, nil
	verdict, err := p.admission.ValidateAdmission(within(t), asked)
	must(t, err)
	equal(t, "whether it is allowed", verdict.Allowed, true)
}

func TestMutationChangesNothing(t *testing.T) {
	p := launch(t, "things")
	asked := saving(t, thingsAt("http://127.0.0.1:9"))
	mutated, err := p.admission.MutateAdmission(within(t), asked)
	must(t, err)
	equal(t, "whether it is allowed", mutated.Allowed, true)
	equal(t, "whether it is unchanged", bytes.Equal(mutated.ObjectBytes, asked.ObjectBytes), true)
	mutated, err = p.admission.MutateAdmission(within(t), saving(t, withoutThing()))
	must(t, err)
	equal(t, "whether it is allowed", mutated.Allowed, false)
}
