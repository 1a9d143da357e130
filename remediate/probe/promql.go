package probe

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/url"
	"time"

	"github.com/prometheus/client_golang/api"
	v1 "github.com/prometheus/client_golang/api/prometheus/v1"
	"github.com/prometheus/common/model"

	"nightshift/remediate"
)

// PromQLOptions say what Prometheus is asked, and which numbers are healthy.
type PromQLOptions struct {
	Name   string
	Server string // the URL of Prometheus
	Expr   string
	// Min and Max are the bounds, themselves healthy; nil is no bound.
	Min, Max *float64
	Timeout  time.Duration
	// Transport carries the question; nil is a plain one, without proxies.
	Transport http.RoundTripper
}

// PromQL asks Prometheus for one number.
type PromQL struct {
	o   PromQLOptions
	api v1.API
}

// NewPromQL makes a probe that asks Prometheus. It returns an error for a server
// that is no URL, or not known.
func NewPromQL(o PromQLOptions) (*PromQL, error) {
	if o.Transport == nil {
		o.Transport = &http.Transport{DialContext: dial, DisableKeepAlives: true, MaxResponseHeaderBytes: maxHeader}
	}
	if u, err := url.Parse(o.Server); err != nil || u.Host == "" {
		return nil, fmt.Errorf("cannot ask Prometheus for probe %s: expected its URL, like http://localhost:9090", o.Name)
	}
	client, err := api.NewClient(api.Config{Address: o.Server, RoundTripper: bounded{o.Transport}})
	if err != nil {
		return nil, fmt.Errorf("cannot ask Prometheus for probe %s: %w", o.Name, err)
	}
	return &PromQL{o: o, api: v1.NewAPI(client)}, nil
}

// Probe asks once. Whatever keeps Prometheus from giving one number is unknown.
func (p *PromQL) Probe(ctx context.Context) remediate.Observation {
	return ask(ctx, p.o.Name, p.o.Timeout, func(ctx context.Context) answer {
		// No time is sent: the server's own clock decides what is now.
		value, _, _, err := p.api.Query(ctx, p.o.Expr, time.Time{})
		if err != nil {
			return unknown("cannot ask Prometheus: %s", reason(err))
		}
		number, err := oneNumber(value)
		if err != nil {
			return unknown("cannot use the answer of Prometheus: %v", err)
		}
		return p.compare(number)
	})
}

// oneNumber takes the number out of an answer that has exactly one.
func oneNumber(value model.Value) (float64, error) {
	var number float64
	switch v := value.(type) {
	case *model.Scalar:
		number = float64(v.Value)
	case model.Vector:
		if len(v) != 1 {
			return 0, fmt.Errorf("expected one sample, got %d", len(v))
		}
		if v[0].Histogram != nil {
			return 0, errors.New("expected a number, got a histogram")
		}
		number = float64(v[0].Value)
	default:
		return 0, fmt.Errorf("expected one sample, got a %s", value.Type())
	}
	if math.IsNaN(number) {
		return 0, errors.New("it is not a number (NaN)")
	}
	return number, nil
}

// compare holds a number against the bounds.
func (p *PromQL) compare(number float64) answer {
	switch {
	case p.o.Max != nil && number > *p.o.Max:
		return unhealthy("it is %v, expected at most %v", number, *p.o.Max)
	case p.o.Min != nil && number < *p.o.Min:
		return unhealthy("it is %v, expected at least %v", number, *p.o.Min)
	}
	return healthy("it is %v", number)
}

// maxPage bounds what is read of an answer of Prometheus or a page of metrics,
// in bytes. A node exporter's page has some 100 KiB.
const maxPage = 4 << 20

// errTooLarge says that an answer is larger than maxPage.
var errTooLarge = errors.New("the answer is larger than 4 MiB")

// bounded ends an answer that is too large with an error.
type bounded struct{ next http.RoundTripper }

func (b bounded) RoundTrip(request *http.Request) (*http.Response, error) {
	response, err := b.next.RoundTrip(request)
	if err == nil {
		response.Body = &boundedBody{response.Body, maxPage}
	}
	return response, err
}

// boundedBody is a body that may still give left bytes.
type boundedBody struct {
	io.ReadCloser
	left int64
}

func (b *boundedBody) Read(into []byte) (int, error) {
	if b.left <= 0 {
		return 0, errTooLarge
	}
	n, err := b.ReadCloser.Read(into[:min(int64(len(into)), b.left)])
	b.left -= int64(n)
	return n, err
}
