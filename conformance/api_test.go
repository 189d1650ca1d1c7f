package conformance

import (
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
)

// api is an API on loopback that remembers what it was asked.
type api struct {
	url  string
	lock sync.Mutex
	seen []*http.Request
}

// serve starts an API that ends with the test.
func serve(t *testing.T, answer http.HandlerFunc) *api {
	t.Helper()
	own := &api{}
	server := httptest.NewServer(http.HandlerFunc(func(writer http.ResponseWriter, request *http.Request) {
		own.lock.Lock()
		own.seen = append(own.seen, request.Clone(request.Context()))
		own.lock.Unlock()
		answer(writer, request)
	}))
	t.Cleanup(server.Close)
	own.url = server.URL
	return own
}

// asked are the requests so far.
func (a *api) asked() []*http.Request {
	a.lock.Lock()
	defer a.lock.Unlock()
	return append([]*http.Request(nil), a.seen...)
}

// says answers each request with the same JSON.
func says(json string) http.HandlerFunc {
	return func(writer http.ResponseWriter, _ *http.Request) {
		writer.Header().Set("Content-Type", "application/json")
		_, _ = writer.Write([]byte(json))
	}
}
