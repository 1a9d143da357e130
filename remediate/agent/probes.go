package agent

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"net/http"
	"reflect"
	"time"

	promconfig "github.com/prometheus/common/config"

	"nightshift/remediate/inventory"
	"nightshift/remediate/probe"
)

// mapKeys are the keys of a map, in any order.
func mapKeys[V any](m map[string]V) iter.Seq[string] { return maps.Keys(m) }

// inForce is an inventory with its probes.
type inForce struct {
	file   *inventory.File
	probes map[string]prober
}

// makeProbes makes the inventory's probes. A metric probe that is as it was before
// is kept, with what it has seen. Metric probes come first: others may keep errors
// that they provoke out of their count.
func makeProbes(s Settings, file *inventory.File, before inForce) (map[string]prober, error) {
	probes := make(map[string]prober, len(file.Probes))
	metrics := map[string]*probe.Metric{}
	for name, spec := range file.Probes {
		if m := spec.Metric; m != nil {
			metrics[name] = before.metric(name, *m)
			probes[name] = metrics[name]
		}
	}
	transport, err := clientTransport(s)
	if err != nil {
		return nil, err
	}
	var errs []error
	for name, spec := range file.Probes {
		if spec.Metric != nil {
			continue
		}
		p, err := makeProbe(s, name, spec, metrics, transport)
		if err != nil {
			errs = append(errs, fmt.Errorf("cannot use probe %s: %w", name, err))
			continue
		}
		probes[name] = p
	}
	return probes, errors.Join(errs...)
}

// metric is the probe that was in force under that name, if it is the same.
func (f inForce) metric(name string, m inventory.Metric) *probe.Metric {
	if f.file != nil {
		if old := f.file.Probes[name].Metric; old != nil && reflect.DeepEqual(*old, m) {
			return f.probes[name].(*probe.Metric)
		}
	}
	return probe.NewMetric(probe.MetricOptions{
		Name: name, URL: m.From, Counter: m.Name, Labels: m.Labels, Max: *m.Max, Per: m.Per, Timeout: m.Timeout,
	}, time.Now)
}

// makeProbe makes any probe but a metric one.
func makeProbe(s Settings, name string, spec inventory.Probe, metrics map[string]*probe.Metric, transport http.RoundTripper) (prober, error) {
	switch {
	case spec.HTTP != nil:
		return makeHTTP(name, *spec.HTTP, metrics), nil
	case spec.TCP != nil:
		return probe.NewTCP(probe.TCPOptions{Name: name, Address: spec.TCP.Address, Timeout: spec.TCP.Timeout}), nil
	case spec.TLS != nil:
		t := spec.TLS
		return probe.NewTLS(probe.TLSOptions{
			Name: name, Address: t.Address, CAFile: t.CA, ServerName: t.ServerName, MinDays: t.MinDays,
			CertFile: t.Cert, KeyFile: t.Key, Timeout: t.Timeout,
		}, time.Now), nil
	case spec.PromQL != nil:
		q := spec.PromQL
		server := q.From
		if server == "" {
			server = s.PrometheusURL
		}
		return probe.NewPromQL(probe.PromQLOptions{
			Name: name, Server: server, Expr: q.Expr, Min: q.Min, Max: q.Max, Timeout: q.Timeout, Transport: transport,
		})
	case spec.Memory != nil:
		m := spec.Memory
		return probe.NewMemory(probe.MemoryOptions{
			Name: name, Slice: m.Of, Allocation: int64(m.Allocation), MaxPercent: float64(m.Max), Timeout: m.Timeout,
		}), nil
	case spec.File != nil:
		return probe.NewFile(probe.FileOptions{Name: name, Path: spec.File.Path, Timeout: spec.File.Timeout}), nil
	case spec.Disk != nil:
		d := spec.Disk
		return probe.NewDisk(probe.DiskOptions{
			Name: name, Path: d.Path, MinPercent: float64(d.Min.Share), MinBytes: int64(d.Min.Size),
			MinInodes: float64(d.MinInodes), Timeout: d.Timeout,
		}), nil
	}
	return makeHostProbe(name, spec)
}

// makeHostProbe makes those that look at this host or at its databases.
func makeHostProbe(name string, spec inventory.Probe) (prober, error) {
	switch {
	case spec.Postgres != nil:
		d := spec.Postgres
		return probe.NewPostgres(probe.PostgresOptions{
			Name: name, At: d.At, User: d.User, Database: d.Database, PassFile: d.PassFile, CAFile: d.CA,
			MaxPercent: float64(d.Max), Timeout: d.Timeout,
		}), nil
	case spec.CPU != nil:
		c := spec.CPU
		return probe.NewCPU(probe.CPUOptions{
			Name: name, Of: c.Of, MaxPercent: float64(c.Max), Per: c.Per, Timeout: c.Timeout,
		}, time.Now), nil
	case spec.OOM != nil:
		o := spec.OOM
		return probe.NewCounter(probe.CounterOptions{
			Name: name, What: "processes killed because memory ran out", Max: float64(o.Max), Per: o.Per, Timeout: o.Timeout,
			Read: func(context.Context) (float64, error) { return probe.OOMKills(probe.Root(), o.Of) },
		}, time.Now), nil
	case spec.Restarts != nil:
		return newLoops(name, *spec.Restarts), nil
	case spec.Resolve != nil:
		r := spec.Resolve
		return probe.NewResolve(probe.ResolveOptions{Name: name, Host: r.Name, Server: r.Server, Timeout: r.Timeout}), nil
	case spec.Route != nil:
		return probe.NewRoute(probe.RouteOptions{Name: name, To: spec.Route.To, Timeout: spec.Route.Timeout}), nil
	}
	return nil, errors.New("it asks nothing")
}

func makeHTTP(name string, h inventory.HTTP, metrics map[string]*probe.Metric) *probe.HTTP {
	o := probe.HTTPOptions{
		Name: name, URL: h.URL, Method: h.Method, Body: h.Body, Expect: h.Expect, JSON: h.JSON,
		CAFile: h.CA, ServerName: h.ServerName, TokenFile: h.TokenFile, Header: h.Header, Timeout: h.Timeout,
	}
	if m, ok := metrics[h.UncountedIn]; ok {
		o.Uncounted = m
	}
	return probe.NewHTTP(o)
}

// clientTransport is how Prometheus is reached; nil is the plain way.
func clientTransport(s Settings) (http.RoundTripper, error) {
	if s.HTTPClientConfig == "" {
		return nil, nil
	}
	config, _, err := promconfig.LoadHTTPConfigFile(s.HTTPClientConfig)
	if err != nil {
		return nil, fmt.Errorf("cannot read NIGHTSHIFT_HTTP_CLIENT_CONFIG: %w", err)
	}
	transport, err := promconfig.NewRoundTripperFromConfig(*config, "nightshift")
	if err != nil {
		return nil, fmt.Errorf("cannot use NIGHTSHIFT_HTTP_CLIENT_CONFIG: %w", err)
	}
	return transport, nil
}
