// Package plugin is the things data source.
package plugin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"github.com/grafana/grafana-plugin-sdk-go/backend"
	"github.com/grafana/grafana-plugin-sdk-go/backend/httpclient"
	"github.com/grafana/grafana-plugin-sdk-go/backend/instancemgmt"
)

// The interfaces of the SDK that Grafana's calls arrive at.
var (
	_ backend.QueryDataHandler      = (*Datasource)(nil)
	_ backend.CheckHealthHandler    = (*Datasource)(nil)
	_ instancemgmt.InstanceDisposer = (*Datasource)(nil)
)

// Datasource is one configured data source.
type Datasource struct {
	settings settings
	url      string
	client   *http.Client
}

// settings are what a user entered, the data source's jsonData.
type settings struct {
	Thing string `json:"thing"`
}

// NewDatasource makes a data source of its settings.
func NewDatasource(ctx context.Context, source backend.DataSourceInstanceSettings) (instancemgmt.Instance, error) {
	var settings settings
	if err := json.Unmarshal(source.JSONData, &settings); err != nil {
		return nil, fmt.Errorf("settings: %w", err)
	}
	if settings.Thing == "" {
		return nil, errors.New("settings: the thing is missing")
	}
	options, err := source.HTTPClientOptions(ctx)
	if err != nil {
		return nil, fmt.Errorf("http client options: %w", err)
	}
	client, err := httpclient.New(options)
	if err != nil {
		return nil, fmt.Errorf("http client: %w", err)
	}
	return &Datasource{settings: settings, url: source.URL, client: client}, nil
}

// Dispose is called when Grafana sent new settings, from which another data source was made.
func (d *Datasource) Dispose() {
	d.client.CloseIdleConnections()
}

// QueryData answers the queries of a panel or an alert rule, each by its ref id.
func (d *Datasource) QueryData(ctx context.Context, req *backend.QueryDataRequest) (*backend.QueryDataResponse, error) {
	response := backend.NewQueryDataResponse()
	for _, query := range req.Queries {
		response.Responses[query.RefID] = d.query(ctx, query)
	}
	return response, nil
}

// CheckHealth asks whether the API is there, whatever it answers.
func (d *Datasource) CheckHealth(ctx context.Context, _ *backend.CheckHealthRequest) (*backend.CheckHealthResult, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, d.url, nil)
	if err != nil {
		return unhealthy(err), nil
	}
	response, err := d.client.Do(request)
	if err != nil {
		return unhealthy(err), nil
	}
	defer response.Body.Close()
	return &backend.CheckHealthResult{Status: backend.HealthStatusOk, Message: "The API answers."}, nil
}

func unhealthy(err error) *backend.CheckHealthResult {
	return &backend.CheckHealthResult{Status: backend.HealthStatusError, Message: err.Error()}
}
