package plugin

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/backend"
	"github.com/grafana/grafana-plugin-sdk-go/backend/log"
	"github.com/grafana/grafana-plugin-sdk-go/data"
)

// timeField is the series that holds the points in time.
const timeField = "_time"

// queryModel is what a user entered.
type queryModel struct {
	Table   string   `json:"table"`
	Fields  []string `json:"fields"`
	Indexes []string `json:"indexes"`
}

// series is one of the API's answer. A value may be null.
type series struct {
	Name   string     `json:"name"`
	Values []*float64 `json:"values"`
	Meta   struct {
		GroupText string `json:"group_txt"`
		Text      string `json:"txt"`
	} `json:"meta"`
}

func (d *Datasource) query(ctx context.Context, query backend.DataQuery) backend.DataResponse {
	var model queryModel
	if err := json.Unmarshal(query.JSON, &model); err != nil {
		return backend.ErrDataResponse(backend.StatusBadRequest, fmt.Sprintf("query: %v", err))
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, d.framesURL(model, query.TimeRange), nil)
	if err != nil {
		return backend.ErrDataResponse(backend.StatusBadRequest, fmt.Sprintf("request: %v", err))
	}
	response, err := d.client.Do(request)
	if err != nil {
		return backend.ErrorResponseWithErrorSource(backend.DownstreamError(fmt.Errorf("request: %w", err)))
	}
	defer func() {
		if err := response.Body.Close(); err != nil {
			log.DefaultLogger.Warn("The response's body cannot be closed", "error", err)
		}
	}()
	if response.StatusCode != http.StatusOK {
		source := backend.ErrorSourceFromHTTPStatus(response.StatusCode)
		message := fmt.Sprintf("the API answered with %s", response.Status)
		return backend.ErrDataResponseWithSource(backend.Status(response.StatusCode), source, message)
	}
	var body []series
	if err := json.NewDecoder(response.Body).Decode(&body); err != nil {
		return backend.ErrorResponseWithErrorSource(backend.DownstreamError(fmt.Errorf("decode: %w", err)))
	}
	frame, err := frame(model.Table, body)
	if err != nil {
		return backend.ErrorResponseWithErrorSource(backend.DownstreamError(err))
	}
	return backend.DataResponse{Frames: data.Frames{frame}}
}

// framesURL is where the API has the table.
func (d *Datasource) framesURL(model queryModel, times backend.TimeRange) string {
	parameters := url.Values{
		"from":   {seconds(times.From)},
		"to":     {seconds(times.To)},
		"fields": {timeField},
		"meta":   {"true"},
	}
	for _, field := range model.Fields {
		if field != timeField {
			parameters.Add("fields", field)
		}
	}
	for _, index := range model.Indexes {
		parameters.Add("indexes", index)
	}
	thing, table := url.PathEscape(d.settings.Thing), url.PathEscape(model.Table)
	base := strings.TrimSuffix(d.url, "/")
	return fmt.Sprintf("%s/api/things/%s/db/%s/frames?%s", base, thing, table, parameters.Encode())
}

// frame makes a frame of the API's series.
func frame(name string, body []series) (*data.Frame, error) {
	frame := data.NewFrame(name)
	for _, series := range body {
		if series.Name == timeField {
			times, err := times(series.Values)
			if err != nil {
				return nil, err
			}
			frame.Fields = append(frame.Fields, data.NewField(series.Name, nil, times))
			continue
		}
		field := data.NewField(series.Name, nil, series.Values)
		title := strings.Trim(series.Meta.GroupText+": "+series.Meta.Text, ": ")
		frame.Fields = append(frame.Fields, field.SetConfig(&data.FieldConfig{DisplayNameFromDS: title}))
	}
	return frame.SetMeta(&data.FrameMeta{Type: data.FrameTypeTimeSeriesWide, TypeVersion: data.FrameTypeVersion{0, 1}}), nil
}

// times are the points in time, which the API has in seconds.
func times(values []*float64) ([]time.Time, error) {
	times := make([]time.Time, len(values))
	for row, value := range values {
		if value == nil {
			return nil, fmt.Errorf("the API left a gap in '%s'", timeField)
		}
		times[row] = time.UnixMicro(int64(math.Round(*value * 1e6))).UTC()
	}
	return times, nil
}

// seconds are a point in time as the API wants it.
func seconds(t time.Time) string {
	return strconv.FormatFloat(float64(t.UnixMilli())/1e3, 'f', -1, 64)
}
