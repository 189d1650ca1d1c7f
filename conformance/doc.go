// Package conformance holds Graft's plugin against Grafana's own code.
//
// Its tests launch the built binary as Grafana's plugin manager does, with hashicorp/go-plugin, speak to it through
// the clients of grafana/grafana-plugin-sdk-go, read every frame with that SDK's decoders, and have the kinds of
// frames judged by the readers of grafana/dataplane. Nothing here knows how the plugin is made: what these tests
// see is what Grafana sees.
//
// The package has no code but tests; README.md says how to run them.
package conformance
