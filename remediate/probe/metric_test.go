package probe

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"nightshift/remediate"
)

// clock is a time that a test sets.
type clock struct{ now time.Time }

func (c *clock) read() time.Time      { return c.now }
func (c *clock) pass(d time.Duration) { c.now = c.now.Add(d) }
func newClock() *clock                { return &clock{begin} }
func tenIn5m(name, url string) MetricOptions {
	return MetricOptions{Name: name, URL: url, Counter: "webhook_errors_total", Max: 10, Per: 5 * time.Minute, Timeout: patience}
}

// dispatcher is a service that counts its errors, as Prometheus' own client does.
func dispatcher(t *testing.T) (url string, errors prometheus.Counter) {
	registry := prometheus.NewRegistry()
	errors = prometheus.NewCounter(prometheus.CounterOpts{Name: "webhook_errors_total", Help: "Errors."})
	registry.MustRegister(errors)
	return servePlain(t, promhttp.HandlerFor(registry, promhttp.HandlerOpts{}).ServeHTTP), errors
}

func TestMetricWatchesACounterRise(t *testing.T) {
	url, errors := dispatcher(t)
	clock := newClock()
	p := NewMetric(tenIn5m("x", url), clock.read)
	sees(t, p, remediate.Unknown, "one sample")
	clock.pass(15 * time.Second)
	sees(t, p, remediate.Healthy, "rose by 0")
	errors.Add(11)
	clock.pass(15 * time.Second)
	sees(t, p, remediate.Unhealthy, "rose by 11")
	clock.pass(5*time.Minute + time.Second)
	sees(t, p, remediate.Healthy, "rose by 0 in 5m0s")
}

// page serves one page of metrics.
func page(t *testing.T, text string) (url string) {
	return servePlain(t, func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, text) })
}

func TestMetricAddsUpTheSeriesThatAreChosen(t *testing.T) {
	text := `
# TYPE webhook_errors_total counter
webhook_errors_total{code="401",method="post"} 1
webhook_errors_total{code="500",method="post"} 2
webhook_errors_total{code="500",method="get"} 4
`
	for want, labels := range map[float64]map[string]string{
		7: nil,
		6: {"code": "500"},
		2: {"code": "500", "method": "post"},
		0: {"code": "502"},
	} {
		o := tenIn5m("x", page(t, text))
		o.Labels = labels
		if got, err := NewMetric(o, time.Now).scrape(t.Context()); err != nil || got != want {
			t.Errorf("%v: %v %v, want %v", labels, got, err, want)
		}
	}
}

func TestMetricReadsACounterThatHasNoType(t *testing.T) {
	if got, err := NewMetric(tenIn5m("x", page(t, "webhook_errors_total 3\n")), time.Now).scrape(t.Context()); err != nil || got != 3 {
		t.Error(got, err)
	}
}

func TestAPageThatTellsNothingIsUnknown(t *testing.T) {
	for url, want := range map[string]string{
		"http://" + closedPort(t):          "refused",
		servePlain(t, status(503, "")):     "got 503 Service Unavailable, expected 200",
		page(t, ""):                        "no such counter",
		page(t, "webhook_error_total 3\n"): "no such counter",
		page(t, "<html>"):                  "text format",
		page(t, "# TYPE webhook_errors_total gauge\nwebhook_errors_total 3\n"): "GAUGE",
		page(t, "webhook_errors_total NaN\n"):                                  "NaN",
		page(t, "webhook_errors_total -1\n"):                                   "-1",
		page(t, strings.Repeat("# a comment\n", maxPage/10)):                   "larger than 4 MiB",
	} {
		sees(t, NewMetric(tenIn5m("x", url), time.Now), remediate.Unknown, want)
	}
	hanging := tenIn5m("x", "http://"+hangingListener(t))
	hanging.Timeout = haste
	sees(t, NewMetric(hanging, time.Now), remediate.Unknown, "cannot read webhook_errors_total")
}

// TestAnErrorThatAProbeProvokesIsNotCounted has a service that counts refusals
// as errors, one that does not, and one that counts other errors meanwhile.
func TestAnErrorThatAProbeProvokesIsNotCounted(t *testing.T) {
	for name, c := range map[string]struct{ each, want float64 }{
		"a service that counts refusals":        {1, 0},
		"a service that does not":               {0, 0},
		"a service with other errors meanwhile": {3, 40},
	} {
		t.Run(name, func(t *testing.T) {
			url, errors := dispatcher(t)
			clock := newClock()
			metric := NewMetric(tenIn5m("errors", url), clock.read)
			refuses := NewHTTP(HTTPOptions{
				Name: "refuses", Method: "POST", Body: "{}", Expect: []int{401}, Uncounted: metric,
				URL: servePlain(t, func(w http.ResponseWriter, _ *http.Request) {
					errors.Add(c.each)
					w.WriteHeader(http.StatusUnauthorized)
				}),
			})
			for range 20 {
				sees(t, refuses, remediate.Healthy, "401")
				clock.pass(2 * time.Second)
			}
			detail := fmt.Sprintf("rose by %v ", c.want)
			if got := metric.Probe(t.Context()).Detail; !strings.Contains(got, detail) {
				t.Errorf("%q, want %q", got, detail)
			}
		})
	}
}

func TestAnErrorOfTheServiceIsCountedBesideOurOwn(t *testing.T) {
	url, errors := dispatcher(t)
	clock := newClock()
	metric := NewMetric(tenIn5m("errors", url), clock.read)
	metric.Probe(t.Context())
	errors.Add(11)
	metric.Uncounted(t.Context(), func() bool { errors.Inc(); return true })
	clock.pass(time.Minute)
	sees(t, metric, remediate.Unhealthy, "rose by 11 ")
}

func TestMetricCanBeAskedByManyAtOnce(t *testing.T) {
	var asked atomic.Int64
	url := servePlain(t, func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, "webhook_errors_total %d\n", asked.Add(1))
	})
	o := tenIn5m("x", url)
	o.Max = 1000
	p := NewMetric(o, time.Now)
	done := make(chan remediate.Observation)
	for range 20 {
		go func() { done <- p.Probe(t.Context()) }()
	}
	for range 20 {
		<-done
	}
	// Samples that came out of order would look like a counter that began anew.
	if got := p.history.readings[len(p.history.readings)-1].rise; got != 19 {
		t.Errorf("rose by %v, want 19", got)
	}
}

func TestEverySaysHowOftenToAsk(t *testing.T) {
	for per, want := range map[time.Duration]time.Duration{5 * time.Minute: 15 * time.Second, time.Second: time.Second} {
		if got := NewMetric(MetricOptions{Per: per}, time.Now).Every(); got != want {
			t.Errorf("%s: %s, want %s", per, got, want)
		}
	}
}
