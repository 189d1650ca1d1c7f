// Command gpx_things is a Grafana data source for the things API, written on Grafana's own SDK the way its
// documentation teaches. Benchmarks compare Graft with it.
package main

import (
	"os"

	"github.com/grafana/grafana-plugin-sdk-go/backend/datasource"
	"github.com/grafana/grafana-plugin-sdk-go/backend/log"

	"graft/bench/things/plugin"
)

func main() {
	// Manage controls the life cycle of the data source's instances: the factory is called when Grafana sends new settings.
	if err := datasource.Manage("graft-datasource", plugin.NewDatasource, datasource.ManageOpts{}); err != nil {
		log.DefaultLogger.Error(err.Error())
		os.Exit(1)
	}
}
